import type { PatternNode } from './patternNode.ts';

/**
 * A parsed part: what it means, its least and greatest width, and the groups it surely sets. It repeats nothing when it
 * holds a repeat of something that may be empty: we drop such a turn and Python keeps it, which is the same language
 * unless an atomic part or a reference fixes the first way found.
 */
export type Part = {
  readonly node: PatternNode;
  readonly least: number;
  readonly greatest: number;
  readonly sets: readonly number[];
  readonly repeatsNothing: boolean;
  readonly kind: 'atom' | 'anchor' | 'repeat';
};

/** A part that matches a place and takes no character. */
export function anchor(holds: Extract<PatternNode, { kind: 'place' }>['holds']): Part {
  return { node: { kind: 'place', holds }, least: 0, greatest: 0, sets: [], repeatsNothing: false, kind: 'anchor' };
}

/** A part that takes exactly one character. */
export function oneCharacter(node: PatternNode): Part {
  return { node, least: 1, greatest: 1, sets: [], repeatsNothing: false, kind: 'atom' };
}

/** Parts one after another. */
export function sequenceOf(parts: readonly Part[]): Part {
  const [only] = parts;
  return {
    node: only && parts.length === 1 ? only.node : { kind: 'sequence', parts: parts.map(({ node }) => node) },
    least: parts.reduce((sum, part) => sum + part.least, 0),
    greatest: parts.reduce((sum, part) => sum + part.greatest, 0),
    sets: parts.flatMap((part) => part.sets),
    repeatsNothing: parts.some((part) => part.repeatsNothing),
    kind: 'atom',
  };
}

/** Any one of the branches; only a group that all of them set is surely set. */
export function choiceOf(branches: readonly Part[]): Part {
  const [first, ...others] = branches;
  if (first && others.length === 0) return { ...first, kind: 'atom' };
  return {
    node: { kind: 'choice', branches: branches.map(({ node }) => node) },
    least: branches.reduce((least, part) => Math.min(least, part.least), Number.POSITIVE_INFINITY),
    greatest: branches.reduce((greatest, part) => Math.max(greatest, part.greatest), 0),
    sets: setByAll(branches),
    repeatsNothing: branches.some((branch) => branch.repeatsNothing),
    kind: 'atom',
  };
}

function setByAll(branches: readonly Part[]): readonly number[] {
  const counts = new Map<number, number>();
  for (const { sets } of branches) {
    for (const group of new Set(sets)) counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count === branches.length).map(([group]) => group);
}
