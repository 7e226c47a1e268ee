import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { globalTop, pythonThreshold, type RankAllocator } from './index.ts';

type Scores = Readonly<Record<string, readonly number[]>>;

function allocate(allocator: RankAllocator, scores: Scores, budget: number): Record<string, number[]> {
  return tf.tidy(() => {
    const tensors = Object.fromEntries(
      Object.entries(scores).map(([path, values]) => [path, tf.tensor1d([...values])]),
    );
    const masks = allocator.allocate({ scores: tensors, params: {}, budget: tf.scalar(budget) });
    return Object.fromEntries(Object.entries(masks).map(([path, mask]) => [path, [...mask.dataSync()]]));
  });
}

/** Few different values, so that ties are common; targets in no order. */
const drawn = fc.record({
  rank: fc.integer({ min: 1, max: 6 }),
  names: fc.uniqueArray(fc.constantFrom('b', 'a.1', 'a.10', 'a.2', 'Z', 'c'), { minLength: 1 }),
  values: fc.array(fc.constantFrom(0, 0.25, 0.5, 3, 1e-30, 1e30), { minLength: 36, maxLength: 36 }),
  percent: fc.integer({ min: 0, max: 100 }),
});

function scoresOf({
  rank,
  names,
  values,
}: {
  rank: number;
  names: readonly string[];
  values: readonly number[];
}): Scores {
  return Object.fromEntries(names.map((name, index) => [name, values.slice(index * rank, (index + 1) * rank)]));
}

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  test('A6: exactly as many live as the budget says, the best ones, ties by path and then index', () => {
    fc.assert(
      fc.property(drawn, (draw) => {
        const scores = scoresOf(draw);
        const budget = Math.round((draw.percent / 100) * draw.names.length * draw.rank);
        const order = Object.entries(scores)
          .flatMap(([path, values]) => values.map((value, index) => ({ path, index, value: Math.fround(value) })))
          .sort((x, y) => y.value - x.value || (x.path < y.path ? -1 : x.path > y.path ? 1 : x.index - y.index));
        const expected = Object.fromEntries(
          Object.entries(scores).map(([path, values]) => [path, values.map(() => 0)]),
        );
        for (const { path, index } of order.slice(0, budget)) (expected[path] as number[])[index] = 1;
        expect(allocate(globalTop, scores, budget)).toEqual(expected);
      }),
      { seed: 61, numRuns: 200, verbose: true },
    );
  });

  test('equal scores rank by path, in whatever order the targets come', () => {
    expect(allocate(globalTop, { b: [1, 1], a: [1, 0] }, 2)).toEqual({ a: [1, 0], b: [1, 0] });
  });

  test('A6: all scores zero, budgets 0 and all', () => {
    const scores = { x: [0, 0, 0], y: [0, 0, 0] };
    expect(allocate(globalTop, scores, 4)).toEqual({ x: [1, 1, 1], y: [1, 0, 0] });
    expect(allocate(globalTop, scores, 0)).toEqual({ x: [0, 0, 0], y: [0, 0, 0] });
    expect(allocate(globalTop, scores, 6)).toEqual({ x: [1, 1, 1], y: [1, 1, 1] });
  });

  test("Python's threshold drops every tie at it, and drops nothing where nothing is to be dropped", () => {
    expect(allocate(pythonThreshold, { x: [5, 2, 2], y: [2, 1, 0] }, 3)).toEqual({ x: [1, 0, 0], y: [0, 0, 0] });
    expect(allocate(pythonThreshold, { x: [5, 4, 2], y: [3, 1, 0] }, 3)).toEqual({ x: [1, 1, 0], y: [1, 0, 0] });
    expect(allocate(pythonThreshold, { x: [0, 0], y: [0, 0] }, 3)).toEqual({ x: [0, 0], y: [0, 0] });
    expect(allocate(pythonThreshold, { x: [0, 0], y: [0, 0] }, 4)).toEqual({ x: [1, 1], y: [1, 1] });
    expect(allocate(pythonThreshold, { x: [3, 1], y: [2, 0] }, 0)).toEqual({ x: [0, 0], y: [0, 0] });
  });

  test('2,400 scores', () => {
    const values = Array.from({ length: 2400 }, (_, index) => ((index * 7919) % 997) / 997);
    const { x } = allocate(globalTop, { x: values }, 1000);
    const threshold = [...values].sort((left, right) => right - left)[999] as number;
    expect(x?.filter((is) => is === 1).length).toBe(1000);
    expect(values.every((value, i) => value === threshold || (x?.[i] === 1) === value > threshold)).toBe(true);
  });
});
