import * as tf from '@tensorflow/tfjs';
import { PeftError } from './error.ts';
import { type Composition, operation } from './operation.ts';
import { sumRows } from './sumRows.ts';

type Epsilon = { readonly epsilon: number };
const NONE = {};

type Saved = 'x' | 'gain' | 'mean' | 'inverseDeviation';

const gradientOfInput: Composition<Saved | 'dy', typeof NONE> = operation({
  name: 'PeftLayerNormGrad',
  compose: ({ gain, dy, ...rest }) => {
    const normalized = normalize(rest);
    const scaled = tf.mul(dy, gain);
    const along = tf.mul(normalized, tf.mean(tf.mul(scaled, normalized), -1, true));
    return tf.mul(rest.inverseDeviation, tf.sub(tf.sub(scaled, tf.mean(scaled, -1, true)), along));
  },
});

const layerNormOperation: Composition<'x' | 'gain' | 'bias', Epsilon, tf.Tensor[]> = operation({
  name: 'PeftLayerNorm',
  compose: ({ x, gain, bias }, { epsilon }) => {
    const mean = tf.mean(x, -1, true);
    const centered = tf.sub(x, mean);
    const inverseDeviation = tf.rsqrt(tf.add(tf.mean(tf.square(centered), -1, true), epsilon));
    return [tf.add(tf.mul(tf.mul(centered, inverseDeviation), gain), bias), mean, inverseDeviation];
  },
  results: ['output', 'mean', 'inverseDeviation'],
  gradient: {
    saves: ['x', 'gain', 'mean', 'inverseDeviation'],
    of: (dy, { x, gain, mean, inverseDeviation }) => ({
      x: () => gradientOfInput({ x, gain, mean, inverseDeviation, dy }, NONE),
      gain: () => sumRows(tf.mul(dy, normalize({ x, mean, inverseDeviation }))),
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
  return layerNormOperation({ x, gain, bias }, { epsilon })[0] as tf.Tensor;
}

function normalize({ x, mean, inverseDeviation }: Readonly<Record<'x' | 'mean' | 'inverseDeviation', tf.Tensor>>) {
  return tf.mul(tf.sub(x, mean), inverseDeviation);
}
