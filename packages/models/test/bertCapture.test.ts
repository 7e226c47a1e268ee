import '@tensorflow/tfjs-backend-wasm';
import {
  type AnyStrategy,
  adamw,
  adaptedAt,
  batches,
  classification,
  type FineTuneOptions,
  fineTune,
  maskedLanguageModeling,
} from '@peft/core';
import { requireClose } from '@peft/core/testing';
import { capture } from '@peft/graph';
import { lora } from '@peft/lora';
import type * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { loadPretrained } from '../src/index.ts';
import { type Comparison, comparingEngine } from './comparingEngine.ts';
import { fixture, golden } from './golden.ts';
import { onEachBackend } from './onEachBackend.ts';

/** AdamW divides by the root of squared gradients, which makes much of the rounding of the smallest. */
const tolerance = 1e-5;

async function train(name: string, options: Pick<FineTuneOptions, 'loss' | 'targets' | 'modulesToSave'>) {
  const model = await loadPretrained(fixture(name));
  const { get } = await golden(name);
  const columns = ['inputIds', 'attentionMask', 'tokenTypeIds', 'labels'];
  const comparisons: Comparison[] = [];
  const run = fineTune(model, {
    ...options,
    strategy: lora({ rank: 2, dropout: 0.1 }) as AnyStrategy,
    data: batches(Object.fromEntries(columns.map((column) => [column, get(column)])), { batchSize: 5 }),
    steps: 3,
    optimizer: adamw(),
    schedule: 0.01,
    seed: 5,
    progress: false,
    onWarning: () => {},
    engine: comparingEngine((comparison) => comparisons.push(comparison)),
  });
  const { dispose } = await run.result;
  dispose();
  model.weights.dispose();
  return comparisons;
}

onEachBackend(() => {
  test.each([
    ['bert', { loss: classification(), targets: ['query', 'value'], modulesToSave: ['classifier'] }],
    ['bert', { loss: classification(), targets: ['word_embeddings', 'token_type_embeddings', 'dense'] }],
    ['bert-words', { loss: maskedLanguageModeling(), targets: ['query', 'value', 'decoder'] }],
    ['bert-words', { loss: maskedLanguageModeling(), targets: ['query', 'value'] }],
  ])('%s: a training step replays from its graph as it runs eagerly, %j', async (name, options) => {
    const comparisons = await train(name, options);
    expect(comparisons.map((each) => each.name)).toEqual(['train', 'train', 'train']);
    expect(new Set(comparisons.map(({ graph }) => graph)).size).toBe(1);
    for (const { results } of comparisons) {
      expect(results.size).toBeGreaterThan(3 * 8);
      for (const [what, { eager, replayed }] of results) requireClose(replayed, eager, { what, tolerance });
    }
  });
});

test('the graph of a classifier makes its mask once, splits heads once each way and cuts the class tokens out once', async () => {
  const model = await loadPretrained(fixture('bert'));
  const ids = { shape: [3, 7], dtype: 'int32' };
  const graph = capture(
    (batch: Readonly<Record<string, tf.Tensor>>) => ({
      logits: model.apply(batch, adaptedAt({ weights: model.weights, modules: model.targets })),
    }),
    {
      inputs: { inputIds: ids, attentionMask: ids, tokenTypeIds: ids },
      parameters: Object.fromEntries(
        model.weights.paths.map((path) => [path, model.weights.get(path).data as Float32Array]),
      ),
    },
  );
  const count = (...ops: readonly string[]) => graph.nodes.filter(({ op }) => ops.includes(op)).length;
  expect({ masks: count('Equal'), cuts: count('Slice'), lookups: count('PeftGather') }).toEqual({
    masks: 1,
    cuts: 1,
    lookups: 3,
  });
  expect({ attentions: count('PeftAttention'), transposes: count('Transpose'), products: count('PeftMatMul') }).toEqual(
    {
      attentions: 2,
      transposes: 8,
      products: 14,
    },
  );
  expect(count('Tile', 'Concat', 'GatherV2', 'StridedSlice', 'BroadcastTo')).toBe(0);
});
