import * as tf from '@tensorflow/tfjs';
import { type Composition, operation } from './operation.ts';

const NONE = {};
const CUBIC = 0.044715;
const SLOPE = 2 * Math.sqrt(2 / Math.PI);

const geluTanhGradient: Composition<'x' | 'dy', typeof NONE> = operation({
  name: 'PeftGeluTanhGrad',
  compose: ({ x, dy }) => {
    const square = tf.square(x);
    const gate = gateOf(x, square);
    const slope = tf.add(tf.mul(square, 3 * CUBIC * SLOPE), SLOPE);
    // d(x s) = s + x s (1 - s) u', with s the gate and u' the slope of its argument.
    const bend = tf.mul(tf.mul(x, slope), tf.sub(gate, tf.square(gate)));
    return tf.mul(dy, tf.add(gate, bend));
  },
});

const geluTanhOperation: Composition<'x', typeof NONE> = operation({
  name: 'PeftGeluTanh',
  compose: ({ x }) => tf.mul(x, gateOf(x, tf.square(x))),
  gradient: { saves: ['x'], of: (dy, { x }) => ({ x: () => geluTanhGradient({ x, dy }, NONE) }) },
});

/** GELU by the tanh approximation (torch's `approximate='tanh'`, GPT-2's `gelu_new`); float32. */
export function geluTanh(x: tf.Tensor): tf.Tensor {
  return geluTanhOperation({ x }, NONE);
}

/** (1 + tanh(u)) / 2 written as sigmoid(2 u), which keeps small values and is the faster kernel. */
function gateOf(x: tf.Tensor, square: tf.Tensor): tf.Tensor {
  return tf.sigmoid(tf.mul(x, tf.add(tf.mul(square, CUBIC * SLOPE), SLOPE)));
}
