import { disposeAdapter } from '@peft/core';
import { requireClose } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { deltaIn } from '../../test/combine/deltaIn.ts';
import { type Drawn, drawnAdapter, drawnKinds } from '../../test/combine/drawnAdapter.ts';
import { manyKinds } from '../../test/combine/manyKinds.ts';
import { combineAdapters } from './combineAdapters.ts';
import type { CombineOptions } from './combineOptions.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const model = manyKinds();

/** Adapters of any shipped strategy with weights of any sign. */
const weighted = fc.array(
  fc.record({
    kind: fc.constantFrom(...drawnKinds),
    seed: fc.integer({ min: 0, max: 1e6 }),
    weight: fc.integer({ min: -40, max: 40 }).map((tens) => tens / 10),
  }),
  { minLength: 1, maxLength: 4 },
);

type Cases = typeof weighted extends fc.Arbitrary<infer T> ? T : never;

async function withDrawn(cases: Cases, use: (drawn: readonly (Drawn & { weight: number })[]) => Promise<void>) {
  const held = tf.memory().numTensors;
  const drawn = await Promise.all(
    cases.map(async ({ kind, seed, weight }) => ({ ...(await drawnAdapter(model, kind, seed)), weight })),
  );
  try {
    await use(drawn);
  } finally {
    for (const { adapter } of drawn) disposeAdapter(adapter);
  }
  expect(tf.memory().numTensors - model.weights.uploads).toBe(held);
}

/** The weighted sum of the changes at a path; what each entry may be off by is relative to the terms, not to their sum. */
function sumAt(drawn: readonly (Drawn & { weight: number })[], path: string) {
  const size = model.weights.get(`${path}.weight`).data.length;
  const sum = new Float64Array(size);
  let terms = 0;
  for (const { deltas, weight } of drawn) {
    const delta = deltas[path];
    if (!delta) continue;
    terms += Math.abs(weight) * Math.hypot(...delta);
    for (let at = 0; at < size; at++) sum[at] = (sum[at] as number) + weight * (delta[at] as number);
  }
  return { sum, terms };
}

const apart = (left: Float64Array, right: Float64Array) =>
  Math.hypot(...left.map((value, at) => value - (right[at] as number)));

async function deltasOf(drawn: readonly (Drawn & { weight: number })[], options: CombineOptions) {
  const { adapter, report } = await combineAdapters(model, drawn, options);
  const deltas: Record<string, Float64Array> = {};
  for (const { path, shape } of model.targets) {
    deltas[path] = (await deltaIn(adapter, path)) ?? new Float64Array((shape[0] ?? 0) * (shape[1] ?? 0));
  }
  disposeAdapter(adapter);
  return { deltas, report };
}

const seed = 20260301;

describe('cat and linear', () => {
  it('are the weighted sum of the changes to 1e-6, over every strategy (seed 20260301)', async () => {
    await fc.assert(
      fc.asyncProperty(weighted, async (cases) => {
        await withDrawn(cases, async (drawn) => {
          for (const method of ['cat', 'linear'] as const) {
            const { deltas } = await deltasOf(drawn, { method });
            for (const { path } of model.targets) {
              const { sum, terms } = sumAt(drawn, path);
              expect(apart(deltas[path] as Float64Array, sum)).toBeLessThanOrEqual(1e-6 * terms);
            }
          }
        });
      }),
      { seed, numRuns: 40 },
    );
  });
});
