import { isPeftError } from '@peft/ops';
import { parsePattern } from './parsePattern.ts';
import type { PatternNode } from './patternNode.ts';
import { isStart } from './places.ts';

/**
 * A quick answer for an expression of single characters, perhaps after a "^", as most keys are: whether a path ends
 * with it after a dot, or is it. Undefined for other expressions, and for a path that it cannot decide.
 */
export function plainEnd(pattern: string): ((path: string) => boolean | undefined) | undefined {
  const nodes = /[()]/.test(pattern) ? undefined : nodesOf(pattern);
  if (nodes === undefined) return undefined;
  const [first] = nodes;
  const isWhole = first?.kind === 'place' && first.holds === isStart;
  const characters = isWhole ? nodes.slice(1) : nodes;
  if (!characters.every(isCharacter)) return undefined;
  return (path) => {
    // Halves of characters and newlines, at which dots and "$" stop, are for the engine.
    if (!/^[\x20-\x7e]*$/.test(path)) return undefined;
    const start = path.length - characters.length;
    if (start < 0 || (start > 0 && (isWhole || path[start - 1] !== '.'))) return false;
    return characters.every((node, index) => takes(node, path.charCodeAt(start + index)));
  };
}

type Character = Extract<PatternNode, { kind: 'literal' | 'character' }>;

function isCharacter(node: PatternNode): node is Character {
  return node.kind === 'literal' || node.kind === 'character';
}

function takes(node: Character, code: number): boolean {
  return node.kind === 'literal' ? node.code === code : node.has(code);
}

function nodesOf(pattern: string): readonly PatternNode[] | undefined {
  try {
    const { node } = parsePattern(pattern, { before: '', after: '' });
    return node.kind === 'sequence' ? node.parts : [node];
  } catch (error) {
    // The engine says what is wrong with it, or that it means something in its frame.
    if (isPeftError(error)) return undefined;
    throw error;
  }
}
