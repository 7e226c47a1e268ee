import { expectParity, type ParityComparison } from '@peft/parity';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { describe, expect, test } from 'vitest';
import golden from './__fixtures__/authors.json' with { type: 'json' };
import { averageImportance, noImportance } from './importance.ts';
import { type AdaLoraState, type AdaLoraStrategy, adalora, type SearchState, type Triplets } from './index.ts';
import { tripletScore } from './tripletScore.ts';

/** Python computed in float64; the score multiplies two averages that float32 rounds. */
const tolerance = 1e-6;
const parity = (quantity: string, comparison: ParityComparison) =>
  expectParity(`AdaLoRA as its authors: ${quantity}`, comparison);

describe('budgets', () => {
  test.each(golden.curves)('$matrices matrices from $initRank to $targetRank, $totalSteps steps', (curve) => {
    const { matrices, budgets, totalSteps, ...options } = curve;
    const strategy = adalora(options);
    const actual = budgets.map((_, index) => budgetOf(strategy, { matrices, step: index + 1, totalSteps }));
    parity('budgets', { actual, expected: budgets, tolerance: 0, by: 'equal' });
  });
});

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  test.each(golden.weights)('scores of a weight, $beta1 and $beta2', async ({ beta1, beta2, products, steps }) => {
    await tf.setBackend(backend);
    const params = { x: { a: tf.zeros([1, 1]), lambda: tf.tensor1d([-0.5]), b: tf.zeros([1, 1]) } };
    let averages = noImportance(params);
    const rates = { sensitivityRate: tf.scalar(1 - beta1), uncertaintyRate: tf.scalar(1 - beta2) };
    const actual: number[] = [];
    for (const product of products) {
      const grads = { x: { ...params.x, lambda: tf.tensor1d([product / 0.5]) } };
      averages = averageImportance({ params, grads, averages, ...rates });
      const [sensitivity, uncertainty] = [averages.sensitivity.x, averages.uncertainty.x] as [Triplets, Triplets];
      const score = tripletScore(sensitivity, uncertainty);
      for (const tensor of [sensitivity.lambda, uncertainty.lambda, score]) actual.push(...(await tensor.data()));
    }
    parity('importance averages and scores of single weights', { actual, expected: steps.flat(), tolerance });
  });

  test.each(golden.search.runs)('every step of a search, importance $scoring the optimizer', async (run) => {
    await tf.setBackend(backend);
    const { options, totalSteps } = golden.search;
    const strategy = adalora({ ...options, scoring: run.scoring as 'after' | 'before' });
    const targets = Object.entries(golden.search.matrices).map(([path, shape]) => ({ path, kind: 'dense', shape }));
    let { state } = strategy.init({ targets, seed: 0, totalSteps, weightOf: () => tf.zeros([1]) });
    expect(run.steps.length).toBe(totalSteps - options.finalSteps);
    for (const [index, expected] of run.steps.entries()) {
      const step = index + 1;
      const host = strategy.inputs?.(state, { step, totalSteps }) as Record<string, number>;
      parity('budgets', { actual: [host.budget as number], expected: [expected.budget], tolerance: 0, by: 'equal' });
      expect(host.prune).toBe('mask' in expected ? 1 : 0);
      const [before, after, grads] = [0, 1, 2].map((kind) => tree(kind, step, run.seed)) as [Trees, Trees, Trees];
      const inputs = Object.fromEntries(Object.entries(host).map(([name, value]) => [name, tf.scalar(value)]));
      const next = strategy.update?.({ before, after, grads, state, inputs });
      if (!next) throw new Error('adalora has an update');
      await checkStep(next as Next, { after, expected: expected as Expected });
      state = { ...next.state, step };
    }
  });
});

type Trees = Record<string, Triplets>;
type Next = { readonly params: Trees; readonly state: SearchState };
type ByName<T> = Readonly<Record<string, T>>;
type Expected = {
  readonly scores: ByName<readonly number[]>;
  readonly averages: ByName<Readonly<Record<'sensitivity' | 'uncertainty', readonly number[]>>>;
  readonly mask?: ByName<readonly number[]>;
};

async function checkStep(
  { params, state }: Next,
  { after, expected }: { readonly after: Trees; readonly expected: Expected },
): Promise<void> {
  for (const path of Object.keys(golden.search.matrices)) {
    const averages = { sensitivity: state.averages.sensitivity[path], uncertainty: state.averages.uncertainty[path] };
    for (const kind of ['sensitivity', 'uncertainty'] as const) {
      const actual = await (averages[kind] as Triplets).lambda.data();
      parity('importance averages', { actual, expected: expected.averages[path]?.[kind] ?? [], tolerance });
    }
    const score = tf.tidy(() => tripletScore(averages.sensitivity as Triplets, averages.uncertainty as Triplets));
    parity('triplet scores', { actual: await score.data(), expected: expected.scores[path] ?? [], tolerance });
    const given = await (after[path] as Triplets).lambda.data();
    const mask = expected.mask?.[path];
    if (mask) {
      const actual = await (state.mask[path] as tf.Tensor).data();
      parity('masks', { actual, expected: mask, tolerance: 0, by: 'equal' });
    }
    const kept = [...(await (params[path] as Triplets).lambda.data())].map((value) => value + 0);
    expect(kept).toEqual([...given].map((value, index) => (mask?.[index] === 0 ? 0 : value)));
    for (const factor of ['a', 'b'] as const) {
      expect(await params[path]?.[factor].data()).toEqual(await after[path]?.[factor].data());
    }
  }
}

function budgetOf(
  strategy: AdaLoraStrategy,
  { matrices, step, totalSteps }: { readonly matrices: number; readonly step: number; readonly totalSteps: number },
): number {
  const mask = Object.fromEntries(Array.from({ length: matrices }, (_, index) => [`l${index}`, undefined]));
  const state = { step: step - 1, totalSteps, mask, averages: {} } as unknown as AdaLoraState;
  return strategy.inputs?.(state, { step, totalSteps }).budget as number;
}

/** The same values as `tree` of fixtures/python/authors.py. */
function tree(kind: number, step: number, seed: number): Trees {
  const { initRank } = golden.search.options;
  return Object.fromEntries(
    Object.entries(golden.search.matrices).map(([name, [rows = 0, columns = 0]], matrix) => {
      const leaf = (part: number, shape: readonly number[]) => {
        const size = shape.reduce((product, length) => product * length, 1);
        const values = Float32Array.from({ length: size }, (_, index) => {
          const phase = 12.9898 * index + 78.233 * part + 37.719 * matrix + 4.1414 * step + 11.131 * kind + 0.7 * seed;
          return Math.sin(phase) * Math.cos(1.7 * phase + 0.3 * step);
        });
        return tf.tensor(values, [...shape]);
      };
      return [name, { a: leaf(0, [rows, initRank]), lambda: leaf(1, [initRank]), b: leaf(2, [initRank, columns]) }];
    }),
  );
}
