import type { At, Model, Weights } from '@peft/core';
import { gather } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { checkWeights } from '../checkWeights.ts';
import { decoder } from '../decoder/decoder.ts';
import { decoderLayer } from '../decoder/decoderLayer.ts';
import { maskOf } from '../maskOf.ts';
import { norm } from '../norm.ts';
import { tiesOf, withTiedHead } from '../tiedHead.ts';
import { checkTokenBatch, type TokenBatch } from '../tokenBatch.ts';
import { type OptConfig, readOptConfig } from './optConfig.ts';
import { optHead, optParameters, optTargets, optTie } from './optParameters.ts';
import { optPaths } from './optPaths.ts';
import { positionRows } from './positionRows.ts';

/** torch's default, which no field of an OPT's config changes. */
const epsilon = 1e-5;

/**
 * An OPT (Zhang et al. 2022) as transformers computes it. `architectures` says which: OPTForCausalLM gives logits
 * [sequences, length, vocabulary], OPTForSequenceClassification logits [sequences, labels] from each last token.
 * @param config config.json, in Python's names.
 * @param weights by the names of Hugging Face files, dense weights [in, out]; a tied head need not be among them.
 * @throws PeftError `model/config`, `model/weights`
 */
export function opt(config: Readonly<Record<string, unknown>>, weights: Weights): Model<TokenBatch> {
  const geometry = readOptConfig(config);
  const { task, padToken, positions } = geometry;
  const tie = optTie(geometry);
  const tied = tie ? withTiedHead(weights, tie) : weights;
  checkWeights(tied, optParameters({ ...geometry, isTied: false }));
  const { target: head, outputSize } = optHead(geometry);
  return decoder({
    task,
    padToken,
    head,
    outputSize,
    targets: optTargets(geometry),
    weights: tied,
    inputEmbedding: optPaths.tokens,
    ...tiesOf(tie),
    check: (batch) => checkTokenBatch(batch, { model: 'an OPT', positions, field: 'max_position_embeddings' }),
    states: (batch, at, rows) => statesOf(batch, at, { ...geometry, rows }),
  });
}

function statesOf(batch: TokenBatch, at: At, config: OptConfig & { readonly rows: tf.Tensor | undefined }): tf.Tensor {
  const { hiddenSize, embeddingSize, heads, layers } = config;
  const [sequences, length] = batch.inputIds.shape as [number, number];
  const isProjected = embeddingSize !== hiddenSize;
  const mask = maskOf(batch.attentionMask);
  const split = (path: string, rows: tf.Tensor) =>
    at
      .linear(path, rows)
      .reshape([sequences, length, heads, hiddenSize / heads])
      .transpose([0, 2, 1, 3]);

  const embedded = at.embedding(optPaths.tokens, batch.inputIds);
  const widened = isProjected ? at.linear(optPaths.projectIn, embedded) : embedded;
  let tokens = tf.add(widened, gather(at.parameter(optPaths.positions), positionRows(batch))).reshape([-1, hiddenSize]);
  for (let layer = 0; layer < layers; layer++) {
    const paths = optPaths.layer(layer);
    tokens = decoderLayer(tokens, at, {
      ...config,
      paths,
      mask,
      epsilon,
      scale: 1 / Math.sqrt(hiddenSize / heads),
      split: (rows) => [split(paths.query, rows), split(paths.key, rows), split(paths.value, rows)],
      rows: layer === layers - 1 ? config.rows : undefined,
    });
  }
  const normalized = config.hasFinalNorm ? norm(tokens, at, { path: optPaths.norm, epsilon }) : tokens;
  return isProjected ? at.linear(optPaths.projectOut, normalized) : normalized;
}
