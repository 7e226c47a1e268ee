import type { HostArray } from '../hostArray.ts';
import type { HostSnapshot } from '../training/hostSnapshot.ts';

export type Comparison = {
  readonly what: string;
  /** Largest norm(actual - expected) / norm(expected); 0, the default, is bit equality. */
  readonly tolerance?: number;
};

/** Throws unless the values are equal within the tolerance. */
export function requireClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { what, tolerance = 0 }: Comparison,
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${what}: ${actual.length} values instead of ${expected.length}`);
  }
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i] as number;
    const e = expected[i] as number;
    if (tolerance === 0 && !Object.is(a, e)) throw new Error(`${what}: value ${i} is ${a} instead of ${e}`);
    difference += (a - e) ** 2;
    norm += e ** 2;
  }
  const relative = Math.sqrt(difference) / (Math.sqrt(norm) || 1);
  if (!(relative <= tolerance)) throw new Error(`${what}: relative difference ${relative} exceeds ${tolerance}`);
}

/** Throws unless both snapshots hold the same leaves, each equal within the tolerance. */
export function requireSameSnapshot(
  actual: HostSnapshot,
  expected: HostSnapshot,
  { what, tolerance = 0 }: Comparison,
): void {
  const names = Object.keys(actual).sort().join();
  const expectedNames = Object.keys(expected).sort().join();
  if (names !== expectedNames) throw new Error(`${what}: leaves ${names} instead of ${expectedNames}`);
  for (const [path, leaf] of Object.entries(expected)) {
    const [a, e] = [actual[path] as HostArray | number, leaf].map((side) =>
      typeof side === 'number'
        ? { shape: [], data: [side] }
        : { shape: side.shape, data: side.data as ArrayLike<number> },
    ) as [{ shape: readonly number[]; data: ArrayLike<number> }, { shape: readonly number[]; data: ArrayLike<number> }];
    if (a.shape.join() !== e.shape.join())
      throw new Error(`${what}: ${path} has shape [${a.shape}] instead of [${e.shape}]`);
    requireClose(a.data, e.data, { what: `${what}: ${path}`, tolerance });
  }
}
