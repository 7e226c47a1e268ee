import { type Context, hostArray, type LinearCall, layerKindOf, type Target, toTensor } from '@peft/core';
import { fold, normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { onEachBackend } from '../test/onEachBackend.ts';
import { relativeError } from '../test/relativeError.ts';
import { type LoraStrategy, lora } from './lora.ts';
import type { LoraOptions } from './loraOptions.ts';
import type { LoraParams } from './loraParams.ts';

const dense: Target = { path: 'layer.0.query', kind: 'dense', shape: [6, 5] };
const embedding: Target = { path: 'words', kind: 'embedding', shape: [9, 5] };

const draw = (name: string, shape: readonly number[]) =>
  toTensor(
    hostArray(
      normals(
        fold(11, name),
        shape.reduce((size, length) => size * length, 1),
      ),
      shape,
    ),
  );
const weightOf = ({ path, shape }: Target) => draw(path, shape);
const contextOf = (targets: readonly Target[], seed = 1): Context => ({ targets, seed, totalSteps: 10, weightOf });
const key = (step = 0) => tf.tensor1d([step, 17], 'int32');

function callOf(target: Target, training = false): LinearCall {
  const weight = weightOf(target);
  const input =
    target.kind === 'dense'
      ? draw('input', [4, 3, target.shape[0] as number])
      : tf.tensor2d([0, 8, 2, 2, 5, 1], [2, 3], 'int32');
  return { input, weight, output: layerKindOf(target).apply(input, weight), training, dropoutKey: key() };
}

/** Every factor and magnitude of one target drawn anew, none of them zero. */
function trained(strategy: LoraStrategy, target: Target) {
  const parts = strategy.init(contextOf([target])).params[target.path] as LoraParams[string];
  const moved = Object.entries(parts).map(([part, tensor]) => [part, tf.add(tensor, draw(part, tensor.shape))]);
  return { params: { [target.path]: Object.fromEntries(moved) } as LoraParams, state: {} };
}

/** Two orders of the same float32 sums, of fixed values. */
const MERGE_TOLERANCE = 1e-6;

/** The same for drawn values, which may cancel. */
const DRAWN_MERGE_TOLERANCE = 1e-5;

const optionSets: readonly LoraOptions[] = [
  {},
  { rank: 3, alpha: 5, dropout: 0.4 },
  { rank: 2, alpha: 3, rsLora: true, init: 'gaussian' },
  { dora: true },
  { rank: 3, alpha: 2, dora: true, init: 'gaussian', dropout: 0.4 },
];

onEachBackend(() => {
  it.each(optionSets)('%o: a fresh adapter changes nothing, training or not (A1)', (options) => {
    for (const target of [dense, embedding]) {
      for (const training of [false, true]) {
        tf.tidy(() => {
          const strategy = lora(options);
          const call = callOf(target, training);
          const fresh = strategy.init(contextOf([target]));
          const difference = tf.max(tf.abs(tf.sub(strategy.forward(fresh, target, call), call.output)));
          expect(difference.dataSync()[0], `${target.kind}, training ${training}`).toBe(0);
          const merged = tf.max(tf.abs(tf.sub(strategy.merge(fresh, target, call.weight), call.weight)));
          expect(merged.dataSync()[0], `${target.kind}, merged`).toBe(0);
        });
      }
    }
  });

  it.each([false, true])('orthogonal, dora %s: a fresh adapter changes nothing but for rounding', (dora) => {
    tf.tidy(() => {
      const strategy = lora({ init: 'orthogonal', dora });
      const call = callOf(dense);
      const fresh = strategy.init(contextOf([dense]));
      const output = strategy.forward(fresh, dense, call);
      expect(relativeError(output.dataSync(), call.output.dataSync())).toBeLessThan(1e-6);
      expect(tf.max(tf.abs(fresh.params[dense.path]?.b as tf.Tensor)).dataSync()[0]).toBeGreaterThan(0.01);
    });
  });

  it('init false changes the output', () => {
    tf.tidy(() => {
      const strategy = lora({ init: false });
      const call = callOf(dense);
      const output = strategy.forward(strategy.init(contextOf([dense])), dense, call);
      expect(relativeError(output.dataSync(), call.output.dataSync())).toBeGreaterThan(0.01);
    });
  });

  it.each([
    [dense, 'a', 'b'],
    [embedding, 'b', 'a'],
  ] as const)('%o: the first gradient of %s is zero, of %s not (A2)', (target, drawn, zero) => {
    for (const dora of [false, true]) {
      tf.tidy(() => {
        const strategy = lora({ rank: 3, dora });
        const parts = strategy.init(contextOf([target])).params[target.path] as LoraParams[string];
        const names = Object.keys(parts);
        const upstream = draw('upstream', callOf(target).output.shape);
        const gradients = tf.grads((...given: tf.Tensor[]) => {
          const own = Object.fromEntries(names.map((name, index) => [name, given[index]]));
          const adapter = { params: { [target.path]: own } as unknown as LoraParams, state: {} };
          return tf.sum(tf.mul(strategy.forward(adapter, target, callOf(target, true)), upstream));
        })(Object.values(parts));
        const largest = Object.fromEntries(
          names.map((name, index) => [name, tf.max(tf.abs(gradients[index] as tf.Tensor)).dataSync()[0]]),
        );
        expect(largest[drawn]).toBe(0);
        expect(largest[zero]).toBeGreaterThan(0.1);
        if (dora) expect(largest.magnitude).toBeGreaterThan(0.1);
      });
    }
  });

  it.each(optionSets)('%o: merged weights do what the forward pass does', (options) => {
    for (const target of [dense, embedding]) {
      tf.tidy(() => {
        const strategy = lora(options);
        const adapter = trained(strategy, target);
        const call = callOf(target);
        const forward = strategy.forward(adapter, target, call).dataSync();
        const merged = layerKindOf(target).apply(call.input, strategy.merge(adapter, target, call.weight));
        expect(relativeError(merged.dataSync(), forward)).toBeLessThan(MERGE_TOLERANCE);
        expect(relativeError(call.output.dataSync(), forward)).toBeGreaterThan(0.1);
      });
    }
  });

  it('merged weights do what the forward pass does, for any sizes and options (A9)', () => {
    const drawn = fc.record({
      kind: fc.constantFrom('dense', 'embedding'),
      shape: fc.tuple(fc.integer({ min: 6, max: 12 }), fc.integer({ min: 1, max: 9 })),
      rank: fc.integer({ min: 1, max: 6 }),
      alpha: fc.float({ min: 0.5, max: 8, noNaN: true }),
      rsLora: fc.boolean(),
      dora: fc.boolean(),
    });
    fc.assert(
      fc.property(drawn, ({ kind, shape, ...options }) => {
        tf.tidy(() => {
          const target: Target = { path: 'any', kind, shape };
          const strategy = lora(options);
          const weight = weightOf(target);
          const input = kind === 'dense' ? draw('input', [3, shape[0]]) : tf.tensor1d([0, shape[0] - 1], 'int32');
          const output = layerKindOf(target).apply(input, weight);
          const adapter = trained(strategy, target);
          const call = { input, weight, output, training: false, dropoutKey: key() };
          const forward = strategy.forward(adapter, target, call);
          const merged = layerKindOf(target).apply(input, strategy.merge(adapter, target, weight));
          const scale = tf.add(tf.norm(forward), tf.norm(output));
          const error = tf.div(tf.norm(tf.sub(merged, forward)), scale).dataSync()[0];
          expect(error).toBeLessThan(DRAWN_MERGE_TOLERANCE);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('factors multiply to the change that a merge makes; DoRA, which is no sum, has none', () => {
    for (const target of [dense, embedding]) {
      tf.tidy(() => {
        const strategy = lora({ rank: 3, alpha: 5, rsLora: true });
        const adapter = trained(strategy, target);
        const pair = strategy.factors?.(adapter, target) as { a: tf.Tensor; b: tf.Tensor };
        const change = strategy.merge(adapter, target, tf.zeros([...target.shape]));
        expect(relativeError(tf.matMul(pair.a, pair.b).dataSync(), change.dataSync())).toBeLessThan(1e-6);
      });
    }
    expect(lora({ dora: true }).factors).toBeUndefined();
  });

  it('drops the adapter input while training, at the rate, by key, gradient included', () => {
    const size = 64;
    const rate = 0.3;
    const target: Target = { path: 'square', kind: 'dense', shape: [size, size] };
    tf.tidy(() => {
      // With identity factors and no base, the output is the dropped input.
      const strategy = lora({ rank: size, alpha: size, dropout: rate });
      const adapter = { params: { square: { a: tf.eye(size), b: tf.eye(size) } }, state: {} };
      const input = tf.add(tf.abs(draw('input', [50, size])), 0.5);
      const base = tf.zeros([size, size]);
      const run = (x: tf.Tensor, training = true, dropoutKey: tf.Tensor = key()) =>
        strategy.forward(adapter, target, { input: x, weight: base, output: tf.zeros(x.shape), training, dropoutKey });
      const factor = tf.div(run(input), input).dataSync();
      const kept = factor.filter((value) => value !== 0);
      for (const value of kept) expect(value).toBeCloseTo(1 / (1 - rate), 5);
      // Four standard errors of 3,200 draws.
      expect(Math.abs(kept.length / factor.length - (1 - rate))).toBeLessThan(0.033);
      expect(run(input).dataSync()).toEqual(run(input).dataSync());
      expect(run(input, true, key(1)).dataSync()).not.toEqual(run(input).dataSync());
      const gradient = tf
        .grad((x) => tf.sum(run(x)))(input)
        .dataSync();
      expect(relativeError(gradient, factor)).toBeLessThan(1e-6);
      expect(run(input, false).dataSync()).toEqual(input.dataSync());
    });
  });

  it.each([false, true])('an embedding has no dropout, as in Python PEFT, dora %s', (dora) => {
    tf.tidy(() => {
      const [plain, dropping] = [lora({ rank: 2, dora }), lora({ rank: 2, dora, dropout: 0.9 })];
      const adapter = trained(plain, embedding);
      const [left, right] = [plain, dropping].map((strategy) =>
        strategy.forward(adapter, embedding, callOf(embedding, true)).dataSync(),
      );
      expect(right).toEqual(left);
    });
  });

  it('costs three kernels a layer without scaling, four with it', () => {
    tf.tidy(() => {
      const target: Target = { path: 'only', kind: 'dense', shape: [6, 5] };
      const input = draw('input', [3, 6]);
      const weight = weightOf(target);
      const output = layerKindOf(target).apply(input, weight);
      const call = { input, weight, output, training: true, dropoutKey: key() };
      const kernels = (options: LoraOptions) => {
        const strategy = lora(options);
        const adapter = trained(strategy, target);
        const called: string[] = [];
        const engine = tf.engine();
        const run = engine.runKernel.bind(engine);
        let depth = 0;
        engine.runKernel = (name, ...rest) => {
          if (depth === 0) called.push(name);
          depth++;
          try {
            return run(name, ...rest);
          } finally {
            depth--;
          }
        };
        try {
          strategy.forward(adapter, target, call);
        } finally {
          engine.runKernel = run;
        }
        return called;
      };
      expect(kernels({ rank: 4, alpha: 4 })).toEqual(['PeftMatMul', 'PeftMatMul', 'Add']);
      expect(kernels({ rank: 4, alpha: 8 })).toEqual(['PeftMatMul', 'Multiply', 'PeftMatMul', 'Add']);
      expect(kernels({ rank: 4, alpha: 4, dropout: 0.1 })).toEqual(['PeftDropout', 'PeftMatMul', 'PeftMatMul', 'Add']);
    });
  });

  it('init makes its leaves and nothing else, and leaves the weights alone', () => {
    const weights = new Map([dense, embedding].map((target) => [target.path, weightOf(target)]));
    const before = tf.memory().numTensors;
    const context = {
      ...contextOf([dense, embedding]),
      weightOf: ({ path }: Target) => weights.get(path) as tf.Tensor,
    };
    for (const [dora, leaves] of [
      [false, 4],
      [true, 6],
    ] as const) {
      const { params, state } = lora({ dora }).init(context);
      expect(tf.memory().numTensors - before).toBe(leaves);
      expect(state).toEqual({});
      tf.dispose(Object.values(params).flatMap((parts) => Object.values(parts)));
    }
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([...weights.values()]);
  });

  it('what a target starts with depends on its path and the seed, not on its neighbours', () => {
    tf.tidy(() => {
      const valuesOf = (targets: readonly Target[], seed: number) =>
        lora({ rank: 2 }).init(contextOf(targets, seed)).params[dense.path]?.a.dataSync();
      const other: Target = { ...dense, path: 'layer.1.query' };
      expect(valuesOf([embedding, other, dense], 1)).toEqual(valuesOf([dense], 1));
      expect(valuesOf([dense], 2)).not.toEqual(valuesOf([dense], 1));
      const both = lora({ rank: 2 }).init(contextOf([dense, other])).params;
      expect(both[other.path]?.a.dataSync()).not.toEqual(both[dense.path]?.a.dataSync());
    });
  });

  it('patterns set rank and alpha by target', () => {
    tf.tidy(() => {
      const strategy = lora({ rank: 4, alpha: 6, rankPattern: { query: 2 }, alphaPattern: { words: 12 } });
      const { params } = strategy.init(contextOf([dense, embedding]));
      expect(params[dense.path]?.a.shape).toEqual([6, 2]);
      expect(params[embedding.path]?.b.shape).toEqual([4, 5]);
      for (const [target, scaling] of [
        [dense, 3],
        [embedding, 3],
      ] as const) {
        const { a, b } = params[target.path] as { a: tf.Tensor; b: tf.Tensor };
        const adapter = { params: { [target.path]: { a: tf.onesLike(a), b: tf.onesLike(b) } }, state: {} };
        const rank = a.shape[1] as number;
        const change = strategy.merge(adapter, target, tf.zeros([...target.shape])).dataSync();
        expect(change[0]).toBeCloseTo(scaling * rank, 5);
      }
    });
  });
});

it('is named for what it is', () => {
  expect([lora().name, lora({ rsLora: true }).name, lora({ dora: true }).name]).toEqual(['lora', 'lora', 'dora']);
});

it('refuses patterns that match nothing or two ways when a run begins', () => {
  expect(() => lora({ rankPattern: { qeury: 4 } }).init(contextOf([dense]))).toThrow(
    'lora rankPattern: key "qeury" matches none of the 1 selected target',
  );
  expect(() => lora({ alphaPattern: { query: 4, '0.query': 8 } }).init(contextOf([dense]))).toThrow(
    'lora alphaPattern: target "layer.0.query" is matched by keys with different values, "0.query" (8), "query" (4)',
  );
});
