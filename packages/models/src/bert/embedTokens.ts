import type { At } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { norm } from '../norm.ts';
import type { BertBatch } from './bertBatch.ts';
import type { BertConfig } from './bertConfig.ts';
import { bertPaths } from './bertPaths.ts';

/** Words, token types and positions of [sequences, length] ids, normalized: [sequences * length, hidden]. */
export function embedTokens({ inputIds, tokenTypeIds }: BertBatch, at: At, config: BertConfig): tf.Tensor {
  const paths = bertPaths(config);
  const length = inputIds.shape[1] as number;
  const words = at.embedding(paths.words, inputIds);
  const types = at.embedding(paths.tokenTypes, tokenTypeIds ?? tf.zeros([1], 'int32'));
  const positions = at.embedding(paths.positions, tf.range(0, length, 1, 'int32'));
  const sum = tokenTypeIds ? tf.add(tf.add(words, types), positions) : tf.add(words, tf.add(types, positions));
  return norm(sum.reshape([-1, config.hiddenSize]), at, { path: paths.embeddingNorm, epsilon: config.epsilon });
}
