import type { At, Model } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import type { BertBatch } from './bertBatch.ts';
import type { BertConfig } from './bertConfig.ts';
import { bertPaths } from './bertPaths.ts';
import { encode } from './encode.ts';
import { wordStates } from './wordStates.ts';

type Head = Pick<Model<BertBatch>, 'aliases' | 'apply' | 'outputHead' | 'outputSize' | 'linearHead'>;

/** What a BERT computes from its hidden states, by task. */
export const bertHeads: Readonly<Record<BertConfig['task'], (config: BertConfig) => Head>> = {
  classification(config) {
    const { poolerDense, classifier } = bertPaths(config);
    return {
      outputHead: [classifier],
      outputSize: config.labels,
      apply(batch, at) {
        const tokens = encode(batch, at, { ...config, wanted: 'classTokens' });
        return at.linear(classifier, tf.tanh(at.linear(poolerDense, tokens)));
      },
    };
  },

  maskedLanguage(config) {
    const { decoder, wordHead } = bertPaths(config);
    const states = (batch: BertBatch, at: At, rows?: tf.Tensor) =>
      wordStates(encode(batch, at, { ...config, wanted: rows ?? 'all' }), at, config);
    return {
      outputHead: [decoder],
      aliases: { [`${wordHead}.bias`]: `${decoder}.bias` },
      outputSize: config.vocabulary,
      linearHead: { path: decoder, states },
      apply: (batch, at) => bySequence(at.linear(decoder, states(batch, at)), batch),
    };
  },

  encoder: (config) => ({
    outputSize: config.hiddenSize,
    apply: (batch, at) => bySequence(encode(batch, at, { ...config, wanted: 'all' }), batch),
  }),
};

/** Rows [sequences * length, width] to [sequences, length, width]. */
function bySequence(rows: tf.Tensor, { inputIds }: BertBatch): tf.Tensor {
  return rows.reshape([...inputIds.shape, -1]);
}
