import { type AnyModel, isPeftError, PeftError, type TrainedAdapter } from '@peft/core';
import { checkAdapter } from '../checkAdapter.ts';
import {
  type Combination,
  type CombineMethod,
  type CombineOptions,
  optionsOf,
  type WeightedAdapter,
} from './combineOptions.ts';
import { isAdditive } from './isAdditive.ts';

export type CheckedCombination = {
  readonly combination: Combination;
  readonly sources: readonly Required<WeightedAdapter>[];
};

type Call = {
  /** The function called, which says so. */
  readonly caller: 'combineAdapters' | 'combineIntoWeights';
  readonly adapters: readonly WeightedAdapter[];
  readonly options: CombineOptions;
};

/**
 * The options with their defaults and the adapters with their weights.
 * @throws PeftError `combine/options` with everything that is wrong with them.
 */
export function checkCombination(model: AnyModel, { caller, adapters, options }: Call): CheckedCombination {
  const isRanked = caller === 'combineAdapters';
  requireRecords({ caller, adapters, options });
  const sources = adapters.map((given) => {
    const { adapter, weight = 1 } = given ?? {};
    return { adapter, weight };
  });
  const whole = sources.map(({ adapter }, index) => ({ adapter, name: `adapters[${index}]` })).filter(isHeld);
  const problems = [
    ...optionProblems(options, isRanked),
    ...(adapters.length === 0 ? ['there are no adapters; pass at least one'] : []),
    ...sources.flatMap(({ adapter, weight }, index) => [
      ...(isTrained(adapter) ? [] : [`adapters[${index}] holds no trained adapter; pass { adapter, weight }`]),
      ...(Number.isFinite(weight) ? [] : [`adapters[${index}].weight is ${said(weight)}; it must be a finite number`]),
    ]),
    ...whole.flatMap((held) => [...baseProblems(model, held), ...(isRanked ? rankProblems(options, held) : [])]),
    ...rowProblems(whole, isRanked),
  ];
  if (problems.length > 0) {
    const list = problems.length === 1 ? ` ${problems[0]}.` : problems.map((problem) => `\n- ${problem}.`).join('');
    throw new PeftError('combine/options', `${caller}:${list}`);
  }
  const { method = 'linear', density = 1, election = 'total', seed = 0, rank } = options as Partial<Combination>;
  return { combination: { method, density, election, seed, rank }, sources };
}

function requireRecords({ caller, adapters, options }: Call): void {
  const problem = !Array.isArray(adapters)
    ? `the adapters are ${said(adapters)}; pass a list, [{ adapter, weight }]`
    : typeof options !== 'object' || options === null
      ? `the options are ${said(options)}; pass a record, as { method: "ties", density: 0.5 }, or leave them out`
      : undefined;
  if (problem) throw new PeftError('combine/options', `${caller}: ${problem}.`);
}

type Held = { readonly adapter: TrainedAdapter; readonly name: string };

function isHeld({ adapter }: Held): boolean {
  return isTrained(adapter);
}

// What a trained adapter itself holds as `adapter` is only its tensors.
function isTrained(adapter: Partial<TrainedAdapter> | undefined): boolean {
  return adapter?.strategy !== undefined;
}

function optionProblems(options: CombineOptions, isRanked: boolean): readonly string[] {
  const { onProgress, method = 'linear', ...given } = options as Readonly<Record<string, unknown>>;
  if (!isMethod(method)) {
    return [`method is ${said(method)}; it must be one of ${Object.keys(optionsOf).join(', ')}`];
  }
  const known = optionsOf[method].filter((name) => isRanked || name !== 'rank');
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const foreign = set.filter(([name]) => !known.some((each) => each === name));
  const { density, election, seed, rank } = Object.fromEntries(set);
  const takes = (name: keyof Combination) => known.includes(name);
  const list = known.length === 0 ? 'which takes none' : `which takes ${known.join(', ')}`;
  return [
    ...(onProgress === undefined || typeof onProgress === 'function'
      ? []
      : [`onProgress is ${said(onProgress)}; pass a function, or leave it out`]),
    ...foreign.map(([name]) => `"${name}" is no option of method "${method}", ${list}; leave it out`),
    ...(takes('density') && !(typeof density === 'number' && density > 0 && density <= 1)
      ? [`density is ${said(density)}; it must be a number above 0 and at most 1`]
      : []),
    ...(takes('election') && election !== undefined && election !== 'total' && election !== 'frequency'
      ? [`election is ${said(election)}; it must be "total" or "frequency"`]
      : []),
    ...(takes('seed') && seed !== undefined && !(Number.isInteger(seed) && Number(seed) >= 0 && Number(seed) < 2 ** 32)
      ? [`seed is ${said(seed)}; it must be a whole number from 0 to 4294967295`]
      : []),
    ...(takes('rank') && rank !== undefined && rank !== 'full' && !(Number.isSafeInteger(rank) && Number(rank) >= 1)
      ? [`rank is ${said(rank)}; it must be a whole number of at least 1, or "full"`]
      : []),
  ];
}

/** Why an adapter is none of this model, without a full stop; the first reason alone. */
function baseProblems(model: AnyModel, { adapter, name }: Held): readonly string[] {
  try {
    checkAdapter(model, adapter, name);
    return [];
  } catch (error) {
    if (isPeftError(error)) return [error.message.replace(/\.$/, '')];
    throw error;
  }
}

function rankProblems({ method = 'linear', ...options }: CombineOptions, { adapter, name }: Held): readonly string[] {
  if (!isMethod(method) || isAdditive(adapter)) return [];
  const what = `${name}, of strategy "${adapter.strategy.name}", changes weights by more than products of two factors`;
  if (!optionsOf[method].includes('rank')) {
    return [
      `${what}, so no rank holds it exactly as method "${method}" would; use method "svd" with a rank, or combineIntoWeights`,
    ];
  }
  const isGiven = 'rank' in options && options.rank !== undefined;
  return isGiven ? [] : [`${what}, so it has no rank to go by; pass rank, a number or "full"`];
}

/** Rows of one table that adapters understand differently. */
function rowProblems(held: readonly Held[], isRanked: boolean): readonly string[] {
  return held.flatMap(({ adapter, name }, index) =>
    Object.entries(adapter.tokenRows).flatMap(([table, { heads }]) => {
      const other = held.slice(0, index).find((each) => Object.hasOwn(each.adapter.tokenRows, table));
      const theirs = other?.adapter.tokenRows[table]?.heads ?? heads;
      const paths = [table, ...heads].map((path) => `${path}.weight`);
      const whole = held.find((each) => paths.some((path) => Object.hasOwn(each.adapter.trained, path)));
      return [
        ...([...theirs].sort().join() === [...heads].sort().join()
          ? []
          : [
              `${name} trains rows of "${table}" shared with ${sayHeads(heads)}, and ${other?.name} shared with ${sayHeads(theirs)}; train both with the same sharing`,
            ]),
        ...(whole && isRanked
          ? [
              `${name} trains rows of "${table}", which ${whole.name} trains whole; one adapter cannot hold both, so use combineIntoWeights`,
            ]
          : []),
      ];
    }),
  );
}

function sayHeads(heads: readonly string[]): string {
  return heads.length === 0 ? 'no other layer' : heads.map((path) => `"${path}"`).join(', ');
}

function isMethod(value: unknown): value is CombineMethod {
  return typeof value === 'string' && Object.hasOwn(optionsOf, value);
}

function said(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'an array' : 'an object';
}
