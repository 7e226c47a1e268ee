import type { At } from '@peft/core';
import type * as tf from '@tensorflow/tfjs';
import { maskOf } from '../maskOf.ts';
import { type BertBatch, checkBertBatch } from './bertBatch.ts';
import type { BertConfig } from './bertConfig.ts';
import { bertPaths } from './bertPaths.ts';
import { embedTokens } from './embedTokens.ts';
import { encoderLayer } from './encoderLayer.ts';

type EncodeCall = BertConfig & {
  /** The hidden states that anything reads; the last layer computes no others where that saves work. */
  readonly wanted: 'all' | 'classTokens' | tf.Tensor;
};

/**
 * Hidden states [sequences * length, hidden] of all tokens, [sequences, hidden] of class tokens, or [n, hidden] of the
 * rows listed, int32 [n].
 */
export function encode(batch: BertBatch, at: At, call: EncodeCall): tf.Tensor {
  checkBertBatch(batch, call);
  const paths = bertPaths(call);
  const mask = maskOf(batch.attentionMask);
  const sequences = batch.inputIds.shape[0] as number;
  let tokens = embedTokens(batch, at, call);
  for (let layer = 0; layer < call.layers; layer++) {
    const wanted = layer === call.layers - 1 ? call.wanted : 'all';
    tokens = encoderLayer(tokens, at, { ...call, sequences, mask, wanted, paths: paths.layer(layer) });
  }
  return tokens;
}
