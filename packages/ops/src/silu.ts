import * as tf from '@tensorflow/tfjs';
import { type Composition, operation } from './operation.ts';

const NONE = {};

const siluGradient: Composition<'x' | 'dy', typeof NONE> = operation({
  name: 'PeftSiluGrad',
  compose: ({ x, dy }) => {
    const gate = tf.sigmoid(x);
    // d(x s) = s + x s (1 - s)
    return tf.mul(dy, tf.mul(gate, tf.add(tf.mul(x, tf.sub(1, gate)), 1)));
  },
});

const siluOperation: Composition<'x', typeof NONE> = operation({
  name: 'PeftSilu',
  compose: ({ x }) => tf.mul(x, tf.sigmoid(x)),
  gradient: { saves: ['x'], of: (dy, { x }) => ({ x: () => siluGradient({ x, dy }, NONE) }) },
});

/** x * sigmoid(x), the activation of Llama's gated layers (torch's `silu`); float32. */
export function silu(x: tf.Tensor): tf.Tensor {
  return siluOperation({ x }, NONE);
}
