import { dropout, matMul } from '@peft/ops';
import type { Tensor1D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { LayerKind } from '../layerKind.ts';

/** A linear layer: weight [in, out], input [..., in]. */
export const dense: LayerKind = {
  name: 'dense',
  outputAxis: 1,
  zeroFactor: 'b',
  factorShapes: ({ shape: [fanIn = 0, fanOut = 0] }, rank) => ({ a: [fanIn, rank], b: [rank, fanOut] }),
  apply: (input, weight) => matMul(input, weight),
  dropout: (input, rate, key) => dropout(input, rate, key),
  down: (input, a) => matMul(input, a),
  up: (hidden, b) => matMul(hidden, b),
  delta: (a, b) => matMul(a, b),
  outputNorm: (weight) => tf.sqrt(tf.sum(tf.square(weight), 0)) as Tensor1D,
  scaleOutputs: (weight, scale) => tf.mul(weight, scale),
  fans: ({ shape: [fanIn = 0, fanOut = 0] }) => ({ fanIn, fanOut }),
};
