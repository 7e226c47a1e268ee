import type { At } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { activations } from '../activation.ts';
import { classTokens } from '../classTokens.ts';
import { norm } from '../norm.ts';
import { selfAttention } from '../selfAttention.ts';
import type { VitConfig } from './vitConfig.ts';
import type { vitPaths } from './vitPaths.ts';

type LayerCall = VitConfig & {
  /** How many images the rows belong to. */
  readonly sequences: number;
  readonly paths: ReturnType<typeof vitPaths.layer>;
  /** Compute the class token alone: what follows reads nothing else. */
  readonly onlyClassToken: boolean;
};

/**
 * One pre-norm encoder layer over tokens [images * length, hidden], rows folded so that products are of matrices:
 * the same tokens, or [images, hidden] where only the class token is wanted.
 */
export function encoderLayer(tokens: tf.Tensor, at: At, call: LayerCall): tf.Tensor {
  const { paths, activation, epsilon } = call;
  const wanted = (rows: tf.Tensor) => (call.onlyClassToken ? classTokens(rows, call) : rows);
  const normalized = norm(tokens, at, { path: paths.normBefore, epsilon });
  const mixed = selfAttention({ queries: wanted(normalized), tokens: normalized }, at, call);
  const attended = tf.add(wanted(tokens), mixed);
  const normalizedAfter = norm(attended, at, { path: paths.normAfter, epsilon });
  const intermediate = activations[activation](at.linear(paths.intermediate, normalizedAfter));
  return tf.add(attended, at.linear(paths.output, intermediate));
}
