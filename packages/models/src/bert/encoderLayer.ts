import type { At } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { activations } from '../activation.ts';
import { classTokens } from '../classTokens.ts';
import { norm } from '../norm.ts';
import { selfAttention } from '../selfAttention.ts';
import type { BertConfig } from './bertConfig.ts';
import type { bertPaths } from './bertPaths.ts';

type LayerCall = BertConfig & {
  readonly sequences: number;
  readonly mask: tf.Tensor | undefined;
  readonly paths: ReturnType<ReturnType<typeof bertPaths>['layer']>;
  /** Compute the class token alone: what follows reads nothing else. */
  readonly onlyClassToken: boolean;
};

/**
 * One post-norm encoder layer over tokens [sequences * length, hidden]: the same tokens, or [sequences, hidden] where
 * only the class token is wanted.
 */
export function encoderLayer(tokens: tf.Tensor, at: At, call: LayerCall): tf.Tensor {
  const { paths, epsilon, activation } = call;
  const queries = call.onlyClassToken ? classTokens(tokens, call) : tokens;
  const mixed = selfAttention({ queries, tokens }, at, call);
  const attended = norm(tf.add(mixed, queries), at, { path: paths.attentionNorm, epsilon });
  const intermediate = activations[activation](at.linear(paths.intermediate, attended));
  return norm(tf.add(at.linear(paths.output, intermediate), attended), at, { path: paths.outputNorm, epsilon });
}
