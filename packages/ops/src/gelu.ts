import * as tf from '@tensorflow/tfjs';
import { geluGradientOnHost, geluOnHost } from './geluOnHost.ts';
import { type Composition, operation } from './operation.ts';

const NONE = {};

const gradientOnHost: Composition<'x' | 'dy', typeof NONE> = ({ x, dy }) =>
  tf.tensor(geluGradientOnHost(x.dataSync<'float32'>(), dy.dataSync<'float32'>()), x.shape);

const onHost: Composition<'x', typeof NONE> = ({ x }) => tf.tensor(geluOnHost(x.dataSync<'float32'>()), x.shape);

const geluGradient: Composition<'x' | 'dy', typeof NONE> = operation({
  name: 'PeftGeluGrad',
  compose: ({ x, dy }) => {
    const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return tf.mul(dy, tf.add(normalCdf(x), tf.mul(x, density)));
  },
  onBackend: { cpu: gradientOnHost, wasm: gradientOnHost },
});

const geluOperation: Composition<'x', typeof NONE> = operation({
  name: 'PeftGelu',
  compose: ({ x }) => tf.mul(x, normalCdf(x)),
  onBackend: { cpu: onHost, wasm: onHost },
  gradient: { saves: ['x'], of: (dy, { x }) => ({ x: () => geluGradient({ x, dy }, NONE) }) },
});

/** The Gaussian error linear unit, x * Phi(x) by the error function (torch's `approximate='none'`); float32. */
export function gelu(x: tf.Tensor): tf.Tensor {
  return geluOperation({ x }, NONE);
}

function normalCdf(x: tf.Tensor): tf.Tensor {
  return tf.add(tf.mul(tf.erf(tf.mul(x, Math.SQRT1_2)), 0.5), 0.5);
}
