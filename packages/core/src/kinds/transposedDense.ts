import { dropout, matMul } from '@peft/ops';
import type { Tensor1D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { LayerKind } from '../layerKind.ts';

/** A linear layer whose weight lies as that of an embedding it may share: weight [out, in], input [..., in]. */
export const transposedDense: LayerKind = {
  name: 'transposed-dense',
  outputAxis: 0,
  zeroFactor: 'b',
  factorShapes: ({ shape: [fanOut = 0, fanIn = 0] }, rank) => ({ a: [fanIn, rank], b: [rank, fanOut] }),
  apply: (input, weight) => matMul(input, weight, false, true),
  dropout: (input, rate, key) => dropout(input, rate, key),
  down: (input, a) => matMul(input, a),
  up: (hidden, b) => matMul(hidden, b),
  delta: (a, b) => matMul(b, a, true, true),
  outputNorm: (weight) => tf.sqrt(tf.sum(tf.square(weight), 1)) as Tensor1D,
  scaleOutputs: (weight, scale) => tf.mul(weight, tf.reshape(scale, [-1, 1])),
  fans: ({ shape: [fanOut = 0, fanIn = 0] }) => ({ fanIn, fanOut }),
};
