import type { At, Model, Weights } from '@peft/core';
import { rmsNorm } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { checkWeights } from '../checkWeights.ts';
import { decoder } from '../decoder/decoder.ts';
import { maskOf } from '../maskOf.ts';
import { tiesOf, withTiedHead } from '../tiedHead.ts';
import { checkTokenBatch, type TokenBatch } from '../tokenBatch.ts';
import { type LlamaConfig, readLlamaConfig } from './llamaConfig.ts';
import { llamaLayer } from './llamaLayer.ts';
import { llamaHead, llamaParameters, llamaTargets, llamaTie } from './llamaParameters.ts';
import { llamaPaths } from './llamaPaths.ts';
import { rotaryFrequencies } from './rotaryFrequencies.ts';

/**
 * A Llama (Touvron et al. 2023, arXiv:2307.09288) as transformers computes it, versions 1 to 3.2. `architectures` says
 * which: LlamaForCausalLM gives logits [sequences, length, vocabulary], LlamaForSequenceClassification logits
 * [sequences, labels] from each last token.
 * @param config config.json, in Python's names.
 * @param weights by the names of Hugging Face files, dense weights [in, out]; a tied head need not be among them.
 * @throws PeftError `model/config`, `model/weights`
 */
export function llama(config: Readonly<Record<string, unknown>>, weights: Weights): Model<TokenBatch> {
  const geometry = readLlamaConfig(config);
  const { task, padToken, positions } = geometry;
  const tie = llamaTie(geometry);
  const tied = tie ? withTiedHead(weights, tie) : weights;
  checkWeights(tied, llamaParameters({ ...geometry, isTied: false }));
  const { target: head, outputSize } = llamaHead(geometry);
  return decoder({
    task,
    padToken,
    head,
    outputSize,
    targets: llamaTargets(geometry),
    weights: tied,
    inputEmbedding: llamaPaths.tokens,
    ...tiesOf(tie),
    check: (batch) => checkTokenBatch(batch, { model: 'a Llama', positions, field: 'max_position_embeddings' }),
    states: (batch, at, rows) => statesOf(batch, at, { ...geometry, rows }),
  });
}

function statesOf(
  { inputIds, attentionMask }: TokenBatch,
  at: At,
  config: LlamaConfig & { readonly rows: tf.Tensor | undefined },
): tf.Tensor {
  const { hiddenSize, headSize, theta, scaling, layers, epsilon } = config;
  const [sequences, length] = inputIds.shape as [number, number];
  const frequencies = tf.tensor1d(rotaryFrequencies(headSize, theta, scaling));
  const angles = tf.outerProduct(tf.range(0, length, 1, 'float32') as tf.Tensor1D, frequencies);
  const turned = [tf.cos(angles), tf.sin(angles)] as const;
  const mask = maskOf(attentionMask);
  let tokens = at.embedding(llamaPaths.tokens, inputIds).reshape([-1, hiddenSize]);
  for (let layer = 0; layer < layers; layer++) {
    tokens = llamaLayer(tokens, at, {
      ...config,
      paths: llamaPaths.layer(layer),
      sequences,
      angles: turned,
      mask,
      rows: layer === layers - 1 ? config.rows : undefined,
    });
  }
  return rmsNorm(tokens, at.parameter(`${llamaPaths.norm}.weight`), epsilon);
}
