import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  batches,
  classification,
  fineTune,
  type HostArray,
  hostArray,
  type TrainedAdapter,
} from '@peft/core';
import { bert, freshBertWeights } from '@peft/models';

/** A small BERT with a fresh classifier of two classes. */
export function smallBert(): AnyModel {
  const config = {
    model_type: 'bert',
    architectures: ['BertForSequenceClassification'],
    vocab_size: 20,
    hidden_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    intermediate_size: 64,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-12,
    max_position_embeddings: 16,
    type_vocab_size: 2,
    num_labels: 2,
    initializer_range: 0.2,
  };
  return bert(config, freshBertWeights(config, 1)) as AnyModel;
}

/** Sixteen sentences of five tokens, the last two with padding. */
export function sentences(): Readonly<Record<'inputIds' | 'attentionMask' | 'tokenTypeIds', HostArray>> {
  const tokens = Int32Array.from({ length: 80 }, (_, index) => (index * 7 + Math.floor(index / 5) * 3) % 20);
  const mask = Int32Array.from({ length: 80 }, (_, index) => (index >= 70 && index % 5 > 2 ? 0 : 1));
  return {
    inputIds: hostArray(tokens, [16, 5]),
    attentionMask: hostArray(mask, [16, 5]),
    tokenTypeIds: hostArray(new Int32Array(80), [16, 5]),
  };
}

/** An adapter that tells sentences apart by whether the token at a place is at least 10. */
export async function tenantOf(
  model: AnyModel,
  strategy: AnyStrategy,
  { place, targets, seed = 1 }: { readonly place: number; readonly targets: readonly string[]; readonly seed?: number },
): Promise<TrainedAdapter> {
  const columns = sentences();
  const tokens = columns.inputIds.data as Int32Array;
  const labels = hostArray(
    Int32Array.from({ length: 16 }, (_, row) => ((tokens[row * 5 + place] as number) >= 10 ? 1 : 0)),
  );
  const result = await fineTune(model, {
    strategy,
    targets,
    modulesToSave: ['classifier'],
    loss: classification(),
    data: batches({ ...columns, labels }, { batchSize: 8 }),
    steps: 12,
    optimizer: adamw(),
    schedule: 0.02,
    seed,
    progress: false,
    onWarning: () => {},
  }).result;
  result.weights.dispose();
  return result.adapter;
}
