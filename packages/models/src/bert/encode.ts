import type { At } from '@peft/core';
import type * as tf from '@tensorflow/tfjs';
import { maskOf } from '../maskOf.ts';
import { type BertBatch, checkBertBatch } from './bertBatch.ts';
import type { BertConfig } from './bertConfig.ts';
import { bertPaths } from './bertPaths.ts';
import { embedTokens } from './embedTokens.ts';
import { encoderLayer } from './encoderLayer.ts';

/**
 * Hidden states of all tokens, [sequences * length, hidden]; for classification of class tokens alone, [sequences,
 * hidden], since nothing reads the others after the last layer.
 */
export function encode(batch: BertBatch, at: At, config: BertConfig): tf.Tensor {
  checkBertBatch(batch, config);
  const paths = bertPaths(config);
  const mask = maskOf(batch.attentionMask);
  const sequences = batch.inputIds.shape[0] as number;
  let tokens = embedTokens(batch, at, config);
  for (let layer = 0; layer < config.layers; layer++) {
    const onlyClassToken = config.task === 'classification' && layer === config.layers - 1;
    tokens = encoderLayer(tokens, at, { ...config, sequences, mask, onlyClassToken, paths: paths.layer(layer) });
  }
  return tokens;
}
