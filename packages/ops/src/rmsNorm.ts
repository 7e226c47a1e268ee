import * as tf from '@tensorflow/tfjs';
import { PeftError } from './error.ts';
import { type Composition, operation } from './operation.ts';
import { sumRows } from './sumRows.ts';

type Epsilon = { readonly epsilon: number };
const NONE = {};

const gradientOfInput: Composition<'x' | 'gain' | 'inverseRoot' | 'dy', typeof NONE> = operation({
  name: 'PeftRmsNormGrad',
  compose: ({ x, gain, inverseRoot, dy }) => {
    const normalized = tf.mul(x, inverseRoot);
    const scaled = tf.mul(dy, gain);
    const along = tf.mul(normalized, tf.mean(tf.mul(scaled, normalized), -1, true));
    return tf.mul(inverseRoot, tf.sub(scaled, along));
  },
});

const rmsNormOperation: Composition<'x' | 'gain', Epsilon, tf.Tensor[]> = operation({
  name: 'PeftRmsNorm',
  compose: ({ x, gain }, { epsilon }) => {
    const inverseRoot = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon));
    return [tf.mul(tf.mul(x, inverseRoot), gain), inverseRoot];
  },
  results: ['output', 'inverseRoot'],
  gradient: {
    saves: ['x', 'gain', 'inverseRoot'],
    of: (dy, { x, gain, inverseRoot }) => ({
      x: () => gradientOfInput({ x, gain, inverseRoot, dy }, NONE),
      gain: () => sumRows(tf.mul(dy, tf.mul(x, inverseRoot))),
    }),
  },
});

/**
 * Root-mean-square normalization over the last axis: x / sqrt(mean(x^2) + epsilon) * gain (Zhang and Sennrich,
 * arXiv:1910.07467).
 *
 * `x` [..., width], `gain` [width], float32.
 * @throws PeftError `ops/shape`, `ops/epsilon`
 */
export function rmsNorm(x: tf.Tensor, gain: tf.Tensor, epsilon: number): tf.Tensor {
  const width = x.shape[x.rank - 1];
  if (`${gain.shape}` !== `${width}`) {
    throw new PeftError('ops/shape', `rmsNorm of [${x.shape}] needs a gain of shape [${width}], got [${gain.shape}].`);
  }
  if (!(epsilon >= 0)) throw new PeftError('ops/epsilon', `rmsNorm epsilon ${epsilon} is not a number of at least 0.`);
  return rmsNormOperation({ x, gain }, { epsilon })[0] as tf.Tensor;
}
