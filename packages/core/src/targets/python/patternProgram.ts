import type { CharacterSet } from './characterSet.ts';
import type { ParsedPattern } from './parsePattern.ts';
import type { Codes, PatternNode } from './patternNode.ts';

/** Steps of a compiled expression; places in the program are indices. */
export type Instruction =
  | { readonly op: 'character'; readonly has: CharacterSet }
  | { readonly op: 'text'; readonly codes: Codes }
  | { readonly op: 'place'; readonly holds: (codes: Codes, position: number) => boolean }
  /** Tries `first`, and `second` where it leads nowhere. */
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'jump'; to: number }
  /** Runs what follows up to a `match` on its own, then goes on at `after`. */
  | { readonly op: 'look'; readonly behind: number; readonly isNegated: boolean; after: number }
  | { readonly op: 'atomic'; after: number }
  | { readonly op: 'open' | 'close'; readonly group: number }
  | { readonly op: 'reference'; readonly group: number }
  /** A turn of a loop that takes nothing is no turn. */
  | { readonly op: 'mark' | 'progress'; readonly loop: number }
  | { readonly op: 'match' };

export type PatternProgram = {
  readonly instructions: readonly Instruction[];
  /** Whether what a part matches depends on more than where it stands. */
  readonly hasReferences: boolean;
};

/** The program of an expression, or undefined where counted repeats make it longer than `longest` instructions. */
export function patternProgram({ node, hasReferences }: ParsedPattern, longest: number): PatternProgram | undefined {
  const writer = new ProgramWriter(longest, hasReferences);
  writer.write(node);
  writer.add({ op: 'match' });
  return writer.isTooLong ? undefined : { instructions: writer.instructions, hasReferences };
}

class ProgramWriter {
  readonly instructions: Instruction[] = [];
  readonly #longest: number;
  readonly #guardsLoops: boolean;
  #loops = 0;

  constructor(longest: number, guardsLoops: boolean) {
    this.#longest = longest;
    this.#guardsLoops = guardsLoops;
  }

  get isTooLong(): boolean {
    return this.instructions.length > this.#longest;
  }

  add<I extends Instruction>(instruction: I): I {
    this.instructions.push(instruction);
    return instruction;
  }

  write(node: PatternNode): void {
    if (this.isTooLong) return;
    switch (node.kind) {
      case 'character':
        this.add({ op: 'character', has: node.has });
        break;
      case 'literal':
        this.add({ op: 'text', codes: [node.code] });
        break;
      case 'place':
        this.add({ op: 'place', holds: node.holds });
        break;
      case 'sequence':
        this.#sequence(node.parts);
        break;
      case 'choice':
        this.#choice(node.branches);
        break;
      case 'repeat':
        this.#repeat(node);
        break;
      case 'look':
        this.#inner(this.add({ op: 'look', behind: node.behind, isNegated: node.isNegated, after: 0 }), node.body);
        break;
      case 'atomic':
        this.#inner(this.add({ op: 'atomic', after: 0 }), node.body);
        break;
      case 'group':
        this.add({ op: 'open', group: node.group });
        this.write(node.body);
        this.add({ op: 'close', group: node.group });
        break;
      case 'reference':
        this.add({ op: 'reference', group: node.group });
        break;
      default:
        node satisfies never;
    }
  }

  #inner(instruction: { after: number }, body: PatternNode): void {
    this.write(body);
    this.add({ op: 'match' });
    instruction.after = this.instructions.length;
  }

  #sequence(parts: readonly PatternNode[]): void {
    let text: number[] = [];
    const flush = () => {
      if (text.length > 0) this.add({ op: 'text', codes: text });
      text = [];
    };
    for (const part of parts) {
      if (part.kind === 'literal') {
        text.push(part.code);
        continue;
      }
      flush();
      this.write(part);
    }
    flush();
  }

  #choice(branches: readonly PatternNode[]): void {
    const ends: { to: number }[] = [];
    branches.forEach((branch, index) => {
      const isLast = index === branches.length - 1;
      const split = isLast ? undefined : this.#split(false);
      this.write(branch);
      if (split === undefined) return;
      ends.push(this.add({ op: 'jump', to: 0 }));
      split.second = this.instructions.length;
    });
    for (const end of ends) end.to = this.instructions.length;
  }

  #repeat(node: Extract<PatternNode, { kind: 'repeat' }>): void {
    const { body, least, greatest, isLazy } = node;
    for (let turn = 0; turn < least; turn += 1) {
      const before = this.instructions.length;
      this.write(body);
      if (this.instructions.length === before || this.isTooLong) break;
    }
    if (greatest === Number.POSITIVE_INFINITY) {
      this.#loop(body, isLazy);
      return;
    }
    const exits: ((end: number) => void)[] = [];
    for (let turn = least; turn < greatest; turn += 1) {
      const split = this.#split(isLazy);
      exits.push((end) => setExit(split, isLazy, end));
      const before = this.instructions.length;
      this.#turn(body);
      if (this.instructions.length === before || this.isTooLong) break;
    }
    for (const exit of exits) exit(this.instructions.length);
  }

  #loop(body: PatternNode, isLazy: boolean): void {
    const start = this.instructions.length;
    const split = this.#split(isLazy);
    this.#turn(body);
    this.add({ op: 'jump', to: start });
    setExit(split, isLazy, this.instructions.length);
  }

  #turn(body: PatternNode): void {
    if (!this.#guardsLoops) {
      this.write(body);
      return;
    }
    const loop = this.#loops;
    this.#loops += 1;
    this.add({ op: 'mark', loop });
    this.write(body);
    this.add({ op: 'progress', loop });
  }

  /** A split whose one way is the next instruction: the way tried first, unless lazy. */
  #split(isLazy: boolean): Extract<Instruction, { op: 'split' }> {
    const next = this.instructions.length + 1;
    return this.add({ op: 'split', first: isLazy ? 0 : next, second: isLazy ? next : 0 });
  }
}

function setExit(split: Extract<Instruction, { op: 'split' }>, isLazy: boolean, end: number): void {
  if (isLazy) split.first = end;
  else split.second = end;
}
