import { editDistance, PeftError } from '@peft/core';
import { requireWeight } from './requireWeight.ts';

/** A name, names with weight 1 each, or weights by name; an empty list or record is the base alone. */
export type AdapterChoice = string | readonly string[] | Readonly<Record<string, number>>;

/** Weights by name, in the order of the names, so that a sum does not depend on how the choice was written. */
export type ChosenWeights = ReadonlyMap<string, number>;

/**
 * What a choice means among the adapters there are. Throws `adapters/unknown`, `adapters/choice` and `adapters/weight`.
 */
export function weightsOfChoice(choice: AdapterChoice, known: readonly string[]): ChosenWeights {
  const entries = entriesOf(choice);
  for (const [index, [name, weight]] of entries.entries()) {
    requireKnown(name, known);
    requireWeight(weight, `adapterSet: the weight of adapter "${name}"`);
    if (entries.findIndex(([other]) => other === name) < index) {
      throw new PeftError(
        'adapters/choice',
        `adapterSet: adapter "${name}" is named twice; name it once, or weigh it.`,
      );
    }
  }
  return new Map([...entries].sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** Whether two choices are of the same adapters with the same weights. */
export function isSameChoice(left: ChosenWeights, right: ChosenWeights): boolean {
  return left.size === right.size && [...left].every(([name, weight]) => right.get(name) === weight);
}

/** Refuses a name that no adapter has, with the nearest of those there are. Throws `adapters/unknown`. */
export function requireKnown(name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const near = known
    .map((other) => ({ other, distance: editDistance(name, other) }))
    .sort((left, right) => left.distance - right.distance || (left.other < right.other ? -1 : 1))
    .slice(0, 3)
    .map(({ other }) => `"${other}"`);
  const there =
    near.length === 0
      ? 'the set holds none'
      : `the nearest of ${known.length} ${near.length === 1 ? 'is' : 'are'} ${near.join(', ')}`;
  throw new PeftError('adapters/unknown', `adapterSet: there is no adapter ${JSON.stringify(name)}; ${there}.`);
}

function entriesOf(choice: AdapterChoice): readonly (readonly [name: string, weight: number])[] {
  if (typeof choice === 'string') return [[choice, 1]];
  if (Array.isArray(choice)) {
    return choice.map((name: unknown, index) => {
      if (typeof name === 'string') return [name, 1];
      throw new PeftError(
        'adapters/choice',
        `adapterSet: entry ${index} of a choice is ${typeof name === 'object' ? 'an object' : String(name)}; list names only, or pass weights by name.`,
      );
    });
  }
  // A Map or a promise has no keys of its own and would silently choose the base.
  if (isPlain(choice)) return Object.entries(choice);
  throw new PeftError(
    'adapters/choice',
    `adapterSet: ${said(choice)} chooses no adapters; pass a name, a list of names, or weights by name.`,
  );
}

function isPlain(choice: unknown): choice is Readonly<Record<string, number>> {
  if (typeof choice !== 'object' || choice === null) return false;
  const prototype = Object.getPrototypeOf(choice);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function said(choice: unknown): string {
  if (typeof choice !== 'object' || choice === null) return String(choice);
  const { name } = choice.constructor;
  return name === 'Promise' ? 'a promise, not awaited,' : `a ${name}`;
}
