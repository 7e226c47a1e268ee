import * as tf from '@tensorflow/tfjs';
import { geluGradientOnHost, geluOnHost } from './geluOnHost.ts';
import { type Composition, operation } from './operation.ts';

const NONE = {};
/** Below the square of any activation that matters, above float32's smallest normal number. */
const TINY = 1e-30;

const gradientOnHost: Composition<'x' | 'y' | 'dy', typeof NONE> = ({ x, dy }) =>
  tf.tensor(geluGradientOnHost(x.dataSync<'float32'>(), dy.dataSync<'float32'>()), x.shape);

const onHost: Composition<'x', typeof NONE> = ({ x }) => tf.tensor(geluOnHost(x.dataSync<'float32'>()), x.shape);

const geluGradient: Composition<'x' | 'y' | 'dy', typeof NONE> = operation({
  name: 'PeftGeluGrad',
  compose: ({ x, y, dy }) => {
    const square = tf.square(x);
    // Phi(x) is y / x, here with a denominator that zero cannot reach: the error function is the dearest kernel on wasm.
    const cdf = tf.div(tf.add(tf.mul(x, y), 0.5 * TINY), tf.add(square, TINY));
    const density = tf.mul(tf.exp(tf.mul(square, -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return tf.mul(dy, tf.add(cdf, tf.mul(x, density)));
  },
  onBackend: { cpu: gradientOnHost },
});

const geluOperation: Composition<'x', typeof NONE> = operation({
  name: 'PeftGelu',
  compose: ({ x }) => tf.mul(x, tf.add(tf.mul(tf.erf(tf.mul(x, Math.SQRT1_2)), 0.5), 0.5)),
  onBackend: { cpu: onHost },
  gradient: {
    saves: ['x', 'output'],
    of: (dy, { x, output }) => ({ x: () => geluGradient({ x, y: output, dy }, NONE) }),
  },
});

/** The Gaussian error linear unit, x * Phi(x) by the error function (torch's `approximate='none'`); float32. */
export function gelu(x: tf.Tensor): tf.Tensor {
  return geluOperation({ x }, NONE);
}
