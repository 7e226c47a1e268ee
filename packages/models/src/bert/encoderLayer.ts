import type { At } from '@peft/core';
import { gather } from '@peft/ops';
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
  /** What is read of the result: all tokens, the class token of each sequence, or the rows listed, int32 [n]. */
  readonly wanted: 'all' | 'classTokens' | tf.Tensor;
};

/**
 * One post-norm encoder layer over tokens [sequences * length, hidden]: the same tokens, or the wanted ones of them.
 */
export function encoderLayer(tokens: tf.Tensor, at: At, call: LayerCall): tf.Tensor {
  const { paths, epsilon, activation, wanted } = call;
  const rows = typeof wanted === 'string' ? undefined : wanted;
  const queries = wanted === 'classTokens' ? classTokens(tokens, call) : tokens;
  const mixed = selfAttention({ queries, tokens }, at, { ...call, rows });
  const attended = norm(tf.add(mixed, rows ? gather(tokens, rows) : queries), at, {
    path: paths.attentionNorm,
    epsilon,
  });
  const intermediate = activations[activation](at.linear(paths.intermediate, attended));
  return norm(tf.add(at.linear(paths.output, intermediate), attended), at, { path: paths.outputNorm, epsilon });
}
