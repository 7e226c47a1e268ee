import type { At, Model, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { checkWeights } from '../checkWeights.ts';
import { type BertBatch, checkBertBatch } from './bertBatch.ts';
import { type BertConfig, readBertConfig } from './bertConfig.ts';
import { bertParameters, bertTargets } from './bertParameters.ts';
import { bertPaths } from './bertPaths.ts';
import { embedTokens } from './embedTokens.ts';
import { encoderLayer } from './encoderLayer.ts';
import { maskOf } from './maskOf.ts';
import { wordLogits } from './wordLogits.ts';

const tokens = { dtype: 'int32', shape: ['batch', 'sequence'] } as const;

/**
 * A BERT (Devlin et al. 2019) as transformers computes it. `architectures` says which: BertForSequenceClassification
 * gives logits [sequences, labels], BertForMaskedLM logits [sequences, length, vocabulary], BertModel hidden states
 * [sequences, length, hidden].
 * @param config config.json, in Python's names.
 * @param weights by the names of Hugging Face files, dense weights [in, out].
 * @throws PeftError `model/config`, `model/weights`
 */
export function bert(config: Readonly<Record<string, unknown>>, weights: Weights): Model<BertBatch> {
  const geometry = readBertConfig(config);
  checkWeights(weights, bertParameters(geometry));
  const { labels, vocabulary, hiddenSize, task } = geometry;
  return {
    targets: bertTargets(geometry),
    weights,
    outputHead: task === 'classification' ? [bertPaths(geometry).classifier] : [],
    outputSize: { classification: labels, maskedLanguage: vocabulary, encoder: hiddenSize }[task],
    inputs: { inputIds: tokens, attentionMask: tokens, tokenTypeIds: tokens },
    apply: (batch, at) => run(batch, at, geometry),
  };
}

function run(batch: BertBatch, at: At, config: BertConfig): tf.Tensor {
  checkBertBatch(batch, config);
  const [sequences, length] = batch.inputIds.shape as [number, number];
  const tokens = encode(batch, at, config);
  if (config.task === 'classification') {
    const { poolerDense, classifier } = bertPaths(config);
    return at.linear(classifier, tf.tanh(at.linear(poolerDense, tokens)));
  }
  const rows = config.task === 'maskedLanguage' ? wordLogits(tokens, at, config) : tokens;
  return rows.reshape([sequences, length, -1]);
}

/** Hidden states of all tokens, [sequences * length, hidden], or of class tokens alone, [sequences, hidden]. */
function encode(batch: BertBatch, at: At, config: BertConfig): tf.Tensor {
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
