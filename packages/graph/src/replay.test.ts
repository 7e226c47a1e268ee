import * as tf from '@tensorflow/tfjs';
import { beforeEach, expect, it } from 'vitest';
import { capture } from './capture/capture.ts';
import { estimateMemory } from './estimateMemory.ts';
import { evaluate } from './evaluate.ts';
import { printGraph } from './printGraph.ts';
import { replay } from './replay.ts';

beforeEach(async () => {
  await tf.setBackend('cpu');
});

const inputs = { x: { shape: [2, 3], dtype: 'float32' }, deep: { ids: { shape: [4], dtype: 'int32' } } } as const;

it('gives the record of the captured function, its numbers and nested records included, as tensors of its own', () => {
  const graph = capture(({ x, deep }) => ({ same: x, a: { b: { c: tf.neg(x) }, empty: {} }, ids: deep.ids, n: 4 }), {
    inputs,
  });
  const x = tf.tensor2d([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const ids = tf.tensor1d([1, 2, 3, 4], 'int32');
  const before = tf.memory().numTensors;
  const result = replay(graph, { x, deep: { ids } });
  expect(tf.memory().numTensors).toBe(before + 3);
  expect(Object.keys(result)).toEqual(['same', 'a', 'ids', 'n']);
  expect(result.n).toBe(4);
  const { b, empty } = result.a as unknown as { b: { c: tf.Tensor }; empty: object };
  expect(empty).toEqual({});
  expect(b.c.arraySync()).toEqual([
    [-1, -2, -3],
    [-4, -5, -6],
  ]);
  x.dispose();
  expect((result.same as tf.Tensor).arraySync()).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  tf.dispose([result as never, ids]);
});

it('says which inputs do not fit, all at once', () => {
  const graph = capture(({ x }) => ({ y: tf.neg(x) }), { inputs });
  const [x, other] = [tf.zeros([3, 2]), tf.zeros([1])];
  const message =
    'the inputs do not fit the graph; pass those it was captured with:\n' +
    '  "x" is float32[3,2], captured as float32[2,3]\n' +
    '  "deep/ids" (int32[4]) is missing\n' +
    '  "deep/y" is no input';
  const refused = expect.objectContaining({ code: 'graph/input', message });
  expect(() => replay(graph, { x, deep: { y: other } })).toThrow(refused);
  const host = new Map(
    [x, other].map((each, i) => [
      ['x', 'deep/y'][i] as string,
      { shape: each.shape, dtype: 'float32' as const, data: each.dataSync() },
    ]),
  );
  expect(() => evaluate(graph, host)).toThrow(refused);
  tf.dispose([x, other]);
});

it('holds no more at a time than the graph needs', () => {
  const graph = capture(
    ({ x }) => {
      let y = x;
      for (let i = 0; i < 20; i++) y = tf.tanh(y);
      return { y };
    },
    { inputs: { x: inputs.x } },
  );
  const x = tf.zeros([2, 3]);
  let most = 0;
  const kernel = tf.getKernel('Tanh', 'cpu');
  tf.unregisterKernel('Tanh', 'cpu');
  tf.registerKernel({
    ...kernel,
    kernelFunc: (call) => {
      most = Math.max(most, tf.memory().numTensors);
      return kernel.kernelFunc(call);
    },
  });
  const start = tf.memory().numTensors;
  const { y } = replay(graph, { x });
  tf.unregisterKernel('Tanh', 'cpu');
  tf.registerKernel(kernel);
  expect(most - start).toBe(1);
  // ONNX Runtime, which the estimate is for, writes each result over the one before.
  expect(estimateMemory(graph).peak).toBe(24);
  tf.dispose([x, y as tf.Tensor]);
});

it('is rounded after every operation by the host only where that is asked for', () => {
  const graph = capture(({ x }) => ({ y: tf.sub(tf.add(x, 1e-9), 1) }), {
    inputs: { x: { shape: [1], dtype: 'float32' } },
  });
  const x = new Map([['x', { shape: [1], dtype: 'float32' as const, data: [1] }]]);
  expect(evaluate(graph, x).get('y')?.data[0]).toBeCloseTo(1e-9, 15);
  expect(evaluate(graph, x, { precision: 'float32' }).get('y')?.data[0]).toBe(0);
});

it('memory: views share, constants of one value count one element, outputs stay to the end', () => {
  const weight = tf.zeros([3, 4]);
  const graph = capture(
    ({ x }) => {
      const product = tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D); // [2, 4]: 32 bytes
      const mask = tf.greater(tf.reshape(product, [8]), tf.ones([8])); // 8 bytes
      return { product: tf.reshape(product, [4, 2]), mask, sum: tf.sum(tf.add(x, tf.tensor1d([1, 2, 3]))) }; // 24, then 4
    },
    { inputs: { x: inputs.x } },
  );
  expect(estimateMemory(graph)).toEqual({
    inputs: 24,
    parameters: 48,
    constants: 4 + 12,
    peak: 32 + 8 + 24 + 4,
    peakNode: 5,
  });
  expect(graph.nodes[5]?.op, printGraph(graph)).toBe('Sum');
  weight.dispose();
});

it('memory: a graph of no nodes needs none', () => {
  const graph = capture(({ x }) => ({ x }), { inputs: { x: inputs.x } });
  expect(estimateMemory(graph)).toMatchObject({ peak: 0, peakNode: -1 });
});

it('prints data by its first values, names of one output, and nothing but the record of an empty graph', () => {
  const graph = capture(
    ({ x }) => ({ y: tf.add(tf.sum(x), tf.tensor1d([0.1, -0, 3, 4, 5, 6, 7, 8, 9])), 'a b': { n: -1 } }),
    { inputs: { x: inputs.x } },
  );
  expect(printGraph(graph)).toBe(
    [
      '%0: float32[2,3] = input "x"',
      '%1: float32[9] = constant [0.1, -0, 3, 4, 5, 6, 7, 8, ... 9 values]',
      '%2: float32[] = Sum(%0) { axis: [0,1], keepDims: false }',
      '%3: float32[9] = Add(%2, %1)',
      'return { "y": %3, "a b": { "n": -1 } }',
      '',
    ].join('\n'),
  );
  expect(printGraph(capture(() => ({}), { inputs: {} }))).toBe('return {}\n');
});
