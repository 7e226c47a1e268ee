import { gather, matMul } from '@peft/ops';
import type { Tensor1D } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { LayerKind } from '../layerKind.ts';

/** A table of rows: weight [vocabulary, out], input int32 ids of any shape. */
export const embedding: LayerKind = {
  name: 'embedding',
  takesIds: true,
  zeroFactor: 'a',
  factorShapes: ({ shape: [vocabulary = 0, fanOut = 0] }, rank) => ({ a: [vocabulary, rank], b: [rank, fanOut] }),
  apply: (ids, weight) => gather(weight, ids),
  dropout: (ids) => ids,
  down: (ids, a) => gather(a, ids),
  up: (hidden, b) => matMul(hidden, b),
  delta: (a, b) => matMul(a, b),
  outputNorm: (weight) => tf.sqrt(tf.sum(tf.square(weight), 0)) as Tensor1D,
  scaleOutputs: (weight, scale) => tf.mul(weight, scale),
  fans: ({ shape: [vocabulary = 0, fanOut = 0] }) => ({ fanIn: vocabulary, fanOut }),
};
