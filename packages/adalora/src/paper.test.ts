import type { Target } from '@peft/core';
import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { describe, expect, test } from 'vitest';
import { type NumberTriplets, PaperOracle } from '../test/paperOracle.ts';
import { adalora, rankPattern, type SearchState, type Triplets } from './index.ts';

const targets: readonly Target[] = [
  { path: 'x.1', kind: 'dense', shape: [5, 4] },
  { path: 'x.10', kind: 'dense', shape: [3, 7] },
  { path: 'w', kind: 'dense', shape: [6, 2] },
];
const rank = 4;
const totalSteps = 40;

function draw(seed: number, scale: number): Record<string, Triplets> {
  return Object.fromEntries(
    targets.map(({ path, shape: [fanIn = 0, fanOut = 0] }, index) => {
      const leaf = (part: number, shape: number[], factor: number) =>
        tf
          .tensor(
            normals(
              seed * 97 + index * 7 + part,
              shape.reduce((size, length) => size * length, 1),
            ),
            shape,
          )
          .mul(factor);
      return [
        path,
        { a: leaf(1, [fanIn, rank], scale), lambda: leaf(2, [rank], scale * 3), b: leaf(3, [rank, fanOut], scale) },
      ];
    }),
  );
}

async function numbers(tree: Readonly<Record<string, Triplets>>): Promise<Record<string, NumberTriplets>> {
  const read = Object.entries(tree).map(async ([path, { a, lambda, b }]) => {
    const triplets = {
      a: await a.array(),
      lambda: await lambda.array(),
      b: await b.array(),
    } as unknown as NumberTriplets;
    return [path, triplets] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  test.each(['after', 'before'] as const)(
    'update equals the paper in float64, importance scored %s the optimizer step',
    async (scoring) => {
      await tf.setBackend(backend);
      const options = { initRank: rank, targetRank: 1, warmupSteps: 4, finalSteps: 6, allocateEvery: 2 };
      const strategy = adalora({ ...options, beta1: 0.8, beta2: 0.9, scoring });
      const oracle = new PaperOracle({ beta1: 0.8, beta2: 0.9, scoring });
      const context = { targets, seed: 3, totalSteps, weightOf: () => tf.zeros([1]) };
      let { state } = strategy.init(context);
      let prunings = 0;
      for (let step = 1; step <= totalSteps - options.finalSteps; step++) {
        const clock = { step, totalSteps };
        const [before, after, grads] = [draw(step, 1), draw(step + 1000, 1), draw(step + 2000, 0.3)];
        const host = strategy.inputs?.(state, clock) as Record<string, number>;
        const inputs = Object.fromEntries(Object.entries(host).map(([name, value]) => [name, tf.scalar(value)]));
        const next = strategy.update?.({ before, after, grads, state, inputs });
        if (!next) throw new Error('adalora has an update');
        const isPruning = host.prune === 1;
        const expected = oracle.step({
          before: await numbers(before),
          after: await numbers(after),
          grads: await numbers(grads),
          budget: host.budget as number,
          isPruning,
        });
        if (isPruning) {
          prunings++;
          expect(expected.gap, `step ${step}: the draw has no clear threshold`).toBeGreaterThan(1e-4);
          expect(await rankPattern(next.state), `step ${step}`).toEqual(expected.live);
        }
        const [kept, given] = [await numbers(next.params), await numbers(after)];
        for (const { path } of targets) {
          const lambda = given[path]?.lambda.map((value, i) => (expected.live?.[path]?.[i] === false ? 0 : value));
          expect(kept[path]?.lambda.map((value) => value + 0)).toEqual(lambda);
          expect(kept[path]?.a).toEqual(given[path]?.a);
          expect(kept[path]?.b).toEqual(given[path]?.b);
        }
        const { averages } = next.state as SearchState;
        for (const { path } of targets) {
          const { sensitivity, uncertainty } = averages;
          const score = tf.tidy(() => {
            const [s, u] = [sensitivity[path] as Triplets, uncertainty[path] as Triplets];
            return s.lambda.mul(u.lambda).add(s.a.mul(u.a).mean(0)).add(s.b.mul(u.b).mean(1));
          });
          for (const [i, value] of (await score.data()).entries()) {
            const exact = expected.scores[path]?.[i] as number;
            expect(Math.abs(value - exact), `step ${step}, ${path}, ${i}`).toBeLessThan(1e-5 * exact);
          }
        }
        state = { ...next.state, step };
      }
      expect(prunings).toBe(15);
    },
  );
});
