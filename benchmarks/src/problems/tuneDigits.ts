import type { ClaimCall } from '../report/claim.ts';
import { mean } from '../report/summary.ts';
import { type DigitsMethod, type DigitsMethodKey, digitsMethods } from './digitsMethods.ts';
import { type Base, divide, holdOut, trainBase, transfer } from './digitsTransfer.ts';

/** Seeds of the runs that choose learning rates: other divisions than the measured ones. */
export const tuningSeeds = [101, 102, 103, 104, 105];

/** Accuracies of one method: at every rate over the measured seeds, and the rate chosen on held-out training images. */
export type TunedMethod = {
  readonly method: DigitsMethod;
  readonly byRate: ReadonlyMap<number, readonly number[]>;
  readonly chosen: number;
  /** At the chosen rate. */
  readonly accuracies: readonly number[];
};

export type TunedDigits<K extends DigitsMethodKey> = {
  readonly bases: readonly Base[];
  readonly methods: Readonly<Record<K, TunedMethod>>;
};

/** Trains every method at each of its rates on every seed, and chooses its rate without looking at a test image. */
export async function tuneDigits<K extends DigitsMethodKey>(
  { seeds, progress }: ClaimCall,
  keys: readonly K[],
): Promise<TunedDigits<K>> {
  const measured = Array.from({ length: seeds }, (_, index) => index + 1);
  const tuning = tuningSeeds.slice(0, Math.max(1, Math.min(tuningSeeds.length, seeds)));
  const bases = new Map<number, Base>();
  for (const seed of [...measured, ...tuning]) bases.set(seed, await trainBase(seed));
  const baseOf = (seed: number) => (bases.get(seed) as Base).model;
  const results: [K, TunedMethod][] = [];
  for (const key of keys) {
    const method: DigitsMethod = digitsMethods[key];
    const run = (seed: number, learningRate: number, isTuning: boolean) => {
      const parts = divide(5, seed);
      const strategy = method.strategy();
      return transfer({
        base: baseOf(seed),
        parts: isTuning ? holdOut(parts) : parts,
        seed,
        learningRate,
        ...(strategy && { strategy }),
      });
    };
    const byRate = new Map<number, readonly number[]>();
    const heldOut = new Map<number, number>();
    for (const rate of method.learningRates) {
      byRate.set(rate, await inOrder(measured, (seed) => run(seed, rate, false)));
      heldOut.set(rate, mean(await inOrder(tuning, (seed) => run(seed, rate, true))));
      progress(`${method.name} at ${rate}: ${(100 * mean(byRate.get(rate) as number[])).toFixed(2)} %`);
    }
    const chosen = [...heldOut].reduce((best, each) => (each[1] > best[1] ? each : best))[0];
    results.push([key, { method, byRate, chosen, accuracies: byRate.get(chosen) as readonly number[] }]);
  }
  for (const { model } of bases.values()) model.weights.dispose();
  return {
    bases: measured.map((seed) => bases.get(seed) as Base),
    methods: Object.fromEntries(results) as Record<K, TunedMethod>,
  };
}

async function inOrder<T, U>(items: readonly T[], run: (item: T) => Promise<U>): Promise<readonly U[]> {
  const results: U[] = [];
  for (const item of items) results.push(await run(item));
  return results;
}
