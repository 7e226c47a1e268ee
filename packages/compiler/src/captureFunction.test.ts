import { hostArray, type Snapshot, type StepFunction, Weights } from '@peft/core';
import { estimateMemory, type Graph } from '@peft/graph';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CaptureOptions, captureFunction } from './captureFunction.ts';
import { CompilerError } from './compilerError.ts';
import { FrozenWeights } from './frozenWeights.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const float = (...shape: number[]) => ({ shape, dtype: 'float32' });
const types: CaptureOptions = { state: {}, inputs: {}, weights: {} };
const opsOf = ({ nodes }: Graph) => nodes.map(({ op }) => op);

describe('a captured function', () => {
  it('says where its feeds come from and where its results go, and leaves out what it hands through', async () => {
    const weights = new Weights([
      ['w', hostArray([1, 2], [2, 1])],
      ['unread', hostArray([9])],
    ]);
    const shift = tf.tensor1d([0.5]);
    const step: StepFunction = ({ bias, fixed, count }, { x, batch }) => {
      const product = tf.matMul(x as tf.Tensor2D, weights.tensor('w') as tf.Tensor2D);
      const next = tf.add(tf.add(tf.sum(product), bias as tf.Tensor), shift);
      return {
        state: { bias: next, fixed: fixed as tf.Tensor, count: count as number, from: bias as tf.Tensor },
        metrics: { loss: tf.sum(next) as tf.Scalar, fraction: 0.25 as never },
        outputs: { product, mask: (batch as { mask: tf.Tensor }).mask },
      };
    };
    const state = { bias: tf.zeros([1]), fixed: tf.scalar(1), count: 3, from: tf.zeros([1]) };
    const before = tf.memory().numTensors;
    const { feeds, results, numbers, graph } = await captureFunction(step, {
      state,
      inputs: { x: float(3, 2), batch: { mask: { shape: [4], dtype: 'bool' }, unread: float(9) } },
      weights: FrozenWeights.of(weights).tensors(),
    });
    expect(feeds).toEqual([
      { kind: 'state', path: 'bias' },
      { kind: 'input', path: 'x' },
      { kind: 'input', path: 'batch/mask' },
      { kind: 'weight', path: 'w' },
      { kind: 'constant', data: Float32Array.of(0.5) },
    ]);
    expect(graph.inputs).toHaveLength(3);
    expect(graph.parameters.map(({ value: { shape } }) => shape)).toEqual([[2, 1], [1]]);
    expect(results).toEqual([
      { kind: 'state', path: 'bias', shape: [1], dtype: 'float32' },
      { kind: 'state', path: 'from', shape: [1], dtype: 'float32' },
      { kind: 'metric', path: 'loss', shape: [], dtype: 'float32' },
      { kind: 'output', path: 'product', shape: [3, 1], dtype: 'float32' },
      { kind: 'output', path: 'mask', shape: [4], dtype: 'bool' },
    ]);
    expect(numbers).toEqual({ fraction: 0.25 });
    weights.dispose();
    // The two uploads that the capture read stayed with the weights.
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([state as never, shift]);
  });

  it('is refused where it changes the types of the state, leaves leaves out, or has uneven metrics', async () => {
    const state = { value: tf.tensor1d([1]), fixed: tf.scalar(1) };
    const head =
      'a compiled function returns the state it was given, leaf for leaf in the same types; this one does not:';
    const refused = (step: StepFunction) => expect(captureFunction(step, { ...types, state })).rejects;
    await refused(({ value, fixed }) => ({
      state: { value: tf.concat([value as tf.Tensor1D, value as tf.Tensor1D]), fixed, more: tf.scalar(1) } as Snapshot,
      metrics: {},
    })).toThrow(
      new CompilerError(
        'compiler/state',
        `${head}\n  "state/value" is float32[1] and returned as float32[2]\n  "state/more" is new`,
      ),
    );
    await refused(({ value }) => ({ state: { value } as Snapshot, metrics: {} })).toThrow(
      new CompilerError('compiler/state', `${head}\n  "state/fixed" is not returned`),
    );
    await refused((given) => ({ state: given, metrics: { each: given.value as tf.Scalar } })).toThrow(
      new CompilerError(
        'compiler/metric',
        'metrics are 0-d tensors; reduce these, or return them as outputs: metrics/each.',
      ),
    );
    tf.dispose(state);
  });

  it('computes results again within a budget, and says the least it needs where that is not enough', async () => {
    const deep: StepFunction = ({ gain }, { x }) => {
      const loss = (scale: tf.Tensor) => {
        let hidden = tf.mul(x as tf.Tensor, scale);
        for (let layer = 0; layer < 6; layer++) hidden = tf.tanh(tf.relu(hidden));
        return tf.sum(hidden) as tf.Scalar;
      };
      const { value, grad } = tf.valueAndGrad(loss)(gain as tf.Tensor);
      return { state: { gain: grad }, metrics: { loss: value as tf.Scalar } };
    };
    const state = { gain: tf.scalar(2) };
    const within = (memoryBudget?: number) =>
      captureFunction(deep, { ...types, state, inputs: { x: float(64) }, memoryBudget });
    const whole = await within();
    const refusal = await within(1).catch((error: CompilerError) => error);
    expect(refusal).toMatchObject({ code: 'compiler/memory' });
    const { message } = refusal as CompilerError;
    const least = Number(message.match(/least (\d+)/)?.[1]);
    expect(message).toBe(
      `the results of a step need at least ${least} bytes at one time, more than the memoryBudget of 1; use smaller batches, or a larger budget.`,
    );
    const fitting = await within(least);
    expect(estimateMemory(fitting.graph).peak).toBe(least);
    expect(least).toBeLessThan(estimateMemory(whole.graph).peak);
    expect(opsOf(fitting.graph).length).toBeGreaterThan(opsOf(whole.graph).length);
    await expect(within(least - 1)).rejects.toThrow(`more than the memoryBudget of ${least - 1};`);
    tf.dispose(state);
  });
});
