import { hostArray, type Snapshot, type StepFunction, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';

/** A frozen 3 x 2 weight. */
export function plantedWeights(): Weights {
  return new Weights([
    ['dense.weight', hostArray([1, 2, 3, 4, 5, 6], [3, 2])],
    ['unused', hostArray([9])],
  ]);
}

/** A state of two trained leaves, one that never changes, and a number. */
export function plantedState(): Snapshot {
  return {
    params: { bias: tf.tensor1d([0.5, -0.5]), gain: tf.scalar(2) },
    fixed: tf.tensor1d([7, 8]),
    count: 3,
  };
}

type State = {
  readonly params: { readonly bias: tf.Tensor; readonly gain: tf.Tensor };
  readonly fixed: tf.Tensor;
  readonly count: number;
};

const asState = (state: Snapshot) => state as unknown as State;

function outputOf(weights: Weights, { params, fixed }: State, x: tf.Tensor): tf.Tensor {
  const product = tf.matMul(x as tf.Tensor2D, weights.tensor('dense.weight') as tf.Tensor2D);
  return tf.add(tf.mul(tf.add(product, params.bias), params.gain), fixed);
}

/** Functions that change one leaf, both, or none. */
export function plantedFunctions(weights: Weights) {
  const result = (state: Snapshot, next: Partial<State['params']>, loss: tf.Tensor) => {
    const { params, ...others } = asState(state);
    return { state: { ...others, params: { ...params, ...next } } as Snapshot, metrics: { loss: loss as tf.Scalar } };
  };
  const loss: StepFunction = (state, { x }) =>
    result(state, {}, tf.sum(outputOf(weights, asState(state), x as tf.Tensor)));
  const bias: StepFunction = (state, { x, rate }) => {
    const { params } = asState(state);
    const output = outputOf(weights, asState(state), x as tf.Tensor);
    return result(state, { bias: tf.add(params.bias, tf.mul(tf.mean(output, 0), rate as tf.Tensor)) }, tf.sum(output));
  };
  const gain: StepFunction = (state, { x }) => {
    const output = outputOf(weights, asState(state), x as tf.Tensor);
    return result(state, { gain: tf.mul(asState(state).params.gain, 0.5) }, tf.sum(output));
  };
  const both: StepFunction = (state, { rate }) => {
    const { params } = asState(state);
    const scaled = tf.mul(params.bias, rate as tf.Tensor);
    return result(state, { bias: scaled, gain: tf.sum(params.bias) }, tf.sum(params.gain));
  };
  const predict: StepFunction = (state, { x }) => ({
    state,
    metrics: {},
    outputs: { predicted: outputOf(weights, asState(state), x as tf.Tensor) },
  });
  return { loss, bias, gain, both, predict };
}
