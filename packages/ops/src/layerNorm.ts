import * as tf from '@tensorflow/tfjs';
import { PeftError } from './error.ts';
import { type Composition, operation } from './operation.ts';
import { sumRows } from './sumRows.ts';

type Epsilon = { readonly epsilon: number };

const gradientOfInput: Composition<'x' | 'gain' | 'dy', Epsilon> = operation({
  name: 'PeftLayerNormGrad',
  compose: ({ x, gain, dy }, { epsilon }) => {
    const { normalized, inverseDeviation } = standardize(x, epsilon);
    const scaled = tf.mul(dy, gain);
    const along = tf.mul(normalized, tf.mean(tf.mul(scaled, normalized), -1, true));
    return tf.mul(inverseDeviation, tf.sub(tf.sub(scaled, tf.mean(scaled, -1, true)), along));
  },
});

const normalize: Composition<'x' | 'gain' | 'bias', Epsilon> = operation({
  name: 'PeftLayerNorm',
  compose: ({ x, gain, bias }, { epsilon }) => tf.add(tf.mul(standardize(x, epsilon).normalized, gain), bias),
  gradient: {
    saves: ['x', 'gain'],
    of: (dy, { x, gain }, { epsilon }) => ({
      x: () => gradientOfInput({ x, gain, dy }, { epsilon }),
      gain: () => sumRows(tf.mul(dy, standardize(x, epsilon).normalized)),
      bias: () => sumRows(dy),
    }),
  },
});

/**
 * Layer normalization over the last axis: (x - mean) / sqrt(variance + epsilon) * gain + bias, biased variance.
 *
 * `x` [..., width], `gain` and `bias` [width], float32.
 * @throws PeftError `ops/shape`, `ops/epsilon`
 */
// biome-ignore lint/complexity/useMaxParams: the order of the formula.
export function layerNorm(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor {
  const width = x.shape[x.rank - 1];
  if (`${gain.shape}` !== `${width}` || `${bias.shape}` !== `${width}`) {
    throw new PeftError(
      'ops/shape',
      `layerNorm of [${x.shape}] needs gain and bias of shape [${width}], got [${gain.shape}] and [${bias.shape}].`,
    );
  }
  if (!(epsilon >= 0))
    throw new PeftError('ops/epsilon', `layerNorm epsilon ${epsilon} is not a number of at least 0.`);
  return normalize({ x, gain, bias }, { epsilon });
}

function standardize(x: tf.Tensor, epsilon: number): { normalized: tf.Tensor; inverseDeviation: tf.Tensor } {
  const centered = tf.sub(x, tf.mean(x, -1, true));
  const inverseDeviation = tf.rsqrt(tf.add(tf.mean(tf.square(centered), -1, true), epsilon));
  return { normalized: tf.mul(centered, inverseDeviation), inverseDeviation };
}
