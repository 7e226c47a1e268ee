import * as tf from '@tensorflow/tfjs';
import { type Composition, operation } from './operation.ts';

const NONE = {};

const geluGradient: Composition<'x' | 'dy', typeof NONE> = operation({
  name: 'PeftGeluGrad',
  compose: ({ x, dy }) => {
    const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return tf.mul(dy, tf.add(normalCdf(x), tf.mul(x, density)));
  },
});

const geluOperation: Composition<'x', typeof NONE> = operation({
  name: 'PeftGelu',
  compose: ({ x }) => tf.mul(x, normalCdf(x)),
  gradient: { saves: ['x'], of: (dy, { x }) => ({ x: () => geluGradient({ x, dy }, NONE) }) },
});

/** The Gaussian error linear unit, x * Phi(x) by the error function (torch's `approximate='none'`); float32. */
export function gelu(x: tf.Tensor): tf.Tensor {
  return geluOperation({ x }, NONE);
}

function normalCdf(x: tf.Tensor): tf.Tensor {
  return tf.add(tf.mul(tf.erf(tf.mul(x, Math.SQRT1_2)), 0.5), 0.5);
}
