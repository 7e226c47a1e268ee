/**
 * A translated part: its JavaScript source, its least and greatest width, and the groups it surely sets. It repeats
 * nothing when it holds a repeat of something that may be empty: JavaScript drops such a turn and Python keeps it, which
 * is the same language unless an atomic part or a reference fixes the first way found.
 */
export type Part = {
  readonly source: string;
  readonly least: number;
  readonly greatest: number;
  readonly sets: readonly string[];
  readonly repeatsNothing: boolean;
  readonly kind: 'atom' | 'anchor' | 'repeat';
};

/** A part that matches a place and takes no character. */
export function anchor(source: string): Part {
  return { source, least: 0, greatest: 0, sets: [], repeatsNothing: false, kind: 'anchor' };
}

/** A part that takes exactly one character. */
export function oneCharacter(source: string): Part {
  return { source, least: 1, greatest: 1, sets: [], repeatsNothing: false, kind: 'atom' };
}

/** Parts one after another. */
export function sequenceOf(parts: readonly Part[]): Part {
  return {
    source: parts.map((part) => part.source).join(''),
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
  return {
    source: branches.map((branch) => branch.source).join('|'),
    least: Math.min(...branches.map((branch) => branch.least)),
    greatest: Math.max(...branches.map((branch) => branch.greatest)),
    sets: (first?.sets ?? []).filter((name) => others.every((branch) => branch.sets.includes(name))),
    repeatsNothing: branches.some((branch) => branch.repeatsNothing),
    kind: 'atom',
  };
}
