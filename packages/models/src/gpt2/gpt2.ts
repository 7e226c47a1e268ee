import type { At, Model, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { checkWeights } from '../checkWeights.ts';
import { decoder } from '../decoder/decoder.ts';
import { decoderLayer } from '../decoder/decoderLayer.ts';
import { headOf } from '../decoder/headOf.ts';
import { maskOf } from '../maskOf.ts';
import { norm } from '../norm.ts';
import { tiesOf, withTiedHead } from '../tiedHead.ts';
import { checkTokenBatch, type TokenBatch } from '../tokenBatch.ts';
import { type Gpt2Config, readGpt2Config } from './gpt2Config.ts';
import { gpt2Parameters, gpt2Targets, gpt2Tie } from './gpt2Parameters.ts';
import { gpt2Paths } from './gpt2Paths.ts';

/**
 * A GPT-2 (Radford et al. 2019) as transformers computes it. `architectures` says which: GPT2LMHeadModel gives logits
 * [sequences, length, vocabulary], GPT2ForSequenceClassification logits [sequences, labels] from each last token.
 * @param config config.json, in Python's names.
 * @param weights by the names of Hugging Face files, dense weights [in, out]; a tied head need not be among them.
 * @throws PeftError `model/config`, `model/weights`
 */
export function gpt2(config: Readonly<Record<string, unknown>>, weights: Weights): Model<TokenBatch> {
  const geometry = readGpt2Config(config);
  const { task, padToken, positions } = geometry;
  const tie = gpt2Tie(geometry);
  const tied = tie ? withTiedHead(weights, tie) : weights;
  checkWeights(tied, gpt2Parameters({ ...geometry, isTied: false }));
  const { target: head, outputSize } = headOf(gpt2Paths, geometry);
  return decoder({
    task,
    padToken,
    head,
    outputSize,
    targets: gpt2Targets(geometry),
    weights: tied,
    inputEmbedding: gpt2Paths.tokens,
    ...tiesOf(tie),
    check: (batch) => checkTokenBatch(batch, { model: 'a GPT-2', positions, field: 'n_positions' }),
    states: (batch, at, rows) => statesOf(batch, at, { ...geometry, rows }),
  });
}

function statesOf(batch: TokenBatch, at: At, config: Gpt2Config & { readonly rows: tf.Tensor | undefined }): tf.Tensor {
  const { hiddenSize, heads, epsilon, layers } = config;
  const [sequences, length] = batch.inputIds.shape as [number, number];
  const positions = at.embedding(gpt2Paths.positions, tf.range(0, length, 1, 'int32'));
  const mask = maskOf(batch.attentionMask);
  let tokens = tf.add(at.embedding(gpt2Paths.tokens, batch.inputIds), positions).reshape([-1, hiddenSize]);
  for (let layer = 0; layer < layers; layer++) {
    const paths = gpt2Paths.layer(layer);
    tokens = decoderLayer(tokens, at, {
      ...config,
      paths,
      mask,
      isNormFirst: true,
      scale: config.scales[layer] as number,
      split: (rows) =>
        tf.unstack(
          at
            .linear(paths.queryKeyValue, rows)
            .reshape([sequences, length, 3, heads, hiddenSize / heads])
            .transpose([2, 0, 3, 1, 4]),
        ) as [tf.Tensor, tf.Tensor, tf.Tensor],
      rows: layer === layers - 1 ? config.rows : undefined,
    });
  }
  return norm(tokens, at, { path: gpt2Paths.norm, epsilon });
}
