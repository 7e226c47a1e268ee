import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { adaptedAt } from './adaptedAt.ts';
import { dense } from './kinds/dense.ts';
import { type LayerKind, layerKindOf, registerLayerKind } from './layerKind.ts';
import type { AnyAdapter, AnyStrategy, LinearCall } from './strategy.ts';
import { requireClose } from './testing/equality.ts';
import { toyModel } from './testing/toyModel.ts';
import { toyStrategy } from './testing/toyStrategy.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('layer kinds', () => {
  it.each([
    ['dense', { a: [5, 2], b: [2, 3] }],
    ['embedding', { a: [5, 2], b: [2, 3] }],
    ['transposed-dense', { a: [5, 2], b: [2, 3] }],
  ])('%s sends its input through a pair as through their product', (kind, shapes) => {
    tf.tidy(() => {
      const isTransposed = kind === 'transposed-dense';
      const target = { path: 'x', kind, shape: isTransposed ? [3, 5] : [5, 3] };
      const record = layerKindOf(target);
      expect(record.factorShapes(target, 2)).toEqual(shapes);
      const [a, b] = [tf.randomNormal([5, 2], 0, 1, 'float32', 1), tf.randomNormal([2, 3], 0, 1, 'float32', 2)];
      const input =
        kind !== 'embedding'
          ? tf.randomNormal([2, 4, 5], 0, 1, 'float32', 3)
          : tf.tensor2d(
              [
                [0, 4],
                [2, 1],
              ],
              [2, 2],
              'int32',
            );
      const through = record.up(record.down(input, a), b);
      expect(through.shape).toEqual(kind !== 'embedding' ? [2, 4, 3] : [2, 2, 3]);
      requireClose(through.dataSync(), record.apply(input, record.delta(a, b)).dataSync(), {
        what: kind,
        tolerance: 1e-6,
      });
      expect(record.delta(a, b).shape).toEqual(target.shape);
      const columns = tf.tensor2d([
        [3, 0],
        [4, 1],
      ]);
      const weight = isTransposed ? tf.transpose(columns) : columns;
      expect(Array.from(record.outputNorm(weight).dataSync())).toEqual([5, 1]);
      const halved = record.scaleOutputs(weight, tf.tensor1d([0.5, 2]));
      expect(Array.from(record.outputNorm(halved).dataSync())).toEqual([2.5, 2]);
      expect(record.fans(target)).toEqual({ fanIn: 5, fanOut: 3 });
    });
  });

  it('are registered by name, and an unknown one says which are known', () => {
    const target = { path: 'conv.0', kind: 'conv', shape: [3, 3] };
    expect(() => layerKindOf(target)).toThrow(
      'target "conv.0" is of kind "conv"; known kinds are dense, embedding, transposed-dense. Register it with registerLayerKind.',
    );
    const conv: LayerKind = { ...dense, name: 'conv' };
    registerLayerKind(conv);
    expect(layerKindOf(target)).toBe(conv);
  });
});

describe('adaptedAt', () => {
  const model = toyModel();
  const calls: (LinearCall & { readonly path: string; readonly key: readonly number[] })[] = [];
  const strategy: AnyStrategy = {
    ...(toyStrategy() as AnyStrategy),
    forward(_adapter, { path }, call) {
      calls.push({ ...call, path, key: Array.from(call.dropoutKey.dataSync()) });
      return tf.add(call.output, 1);
    },
  };
  const adapter: AnyAdapter = { params: {}, state: {} };
  const options = { weights: model.weights, modules: model.targets };
  const query = model.targets.filter(({ path }) => path === 'layer.0.query');

  it('reads frozen layers, adds the bias where there is one, and refuses modules that are not there', () => {
    tf.tidy(() => {
      const at = adaptedAt(options);
      const x = tf.ones([1, 6]);
      const { weights } = model;
      const expected = tf.add(
        tf.matMul(x, weights.tensor('layer.0.query.weight')),
        weights.tensor('layer.0.query.bias'),
      );
      expect(at.linear('layer.0.query', x).dataSync()).toEqual(expected.dataSync());
      expect(at.parameter('head.bias')).toBe(weights.tensor('head.bias'));
      expect(() => at.linear('layer.9.query', x)).toThrow(
        'the model calls dense layer "layer.9.query", which is not among its 4 targets; list it in the model\'s targets.',
      );
      expect(() => at.embedding('head', x)).toThrow(
        'the model calls embedding layer "head", which is not among its 4 targets',
      );
    });
  });

  it('sends adapted layers to the strategy before their bias, with a key of its own for every call', () => {
    tf.tidy(() => {
      calls.length = 0;
      const x = tf.ones([1, 6]);
      const plain = adaptedAt(options).linear('layer.0.query', x);
      const stepKey = tf.scalar(11, 'int32');
      const at = adaptedAt({ ...options, strategy, adapter, targets: query, stepKey });
      requireClose(at.linear('layer.0.query', x).dataSync(), tf.add(plain, 1).dataSync(), {
        what: 'output',
        tolerance: 1e-6,
      });
      at.linear('layer.0.query', x);
      at.linear('layer.1.query', x);
      expect(calls.map(({ path, training }) => [path, training])).toEqual([
        ['layer.0.query', true],
        ['layer.0.query', true],
      ]);
      const [first, second] = calls.map(({ key }) => key);
      expect([first?.[0], second?.[0], first?.[1] === second?.[1]]).toEqual([11, 11, false]);
      adaptedAt({ ...options, strategy, adapter, targets: query }).linear('layer.0.query', x);
      expect(calls.at(-1)?.training).toBe(false);
    });
  });

  it('puts trained parameters in place of frozen ones, also beneath an adapter', () => {
    tf.tidy(() => {
      const trained = { 'head.weight': tf.zeros([6, 3]), 'head.bias': tf.ones([3]) };
      const at = adaptedAt({ ...options, trained });
      expect(Array.from(at.linear('head', tf.ones([1, 6])).dataSync())).toEqual([1, 1, 1]);
      expect(() => adaptedAt({ ...options, trained }).parameter('toString')).toThrow(
        'the model has no weight "toString"',
      );
    });
  });
});
