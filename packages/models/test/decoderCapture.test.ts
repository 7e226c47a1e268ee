import '@tensorflow/tfjs-backend-wasm';
import {
  type AnyStrategy,
  adamw,
  batches,
  causalLanguageModeling,
  classification,
  evaluate,
  type FineTuneOptions,
  fineTune,
  sizeOf,
} from '@peft/core';
import { requireClose } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { loadPretrained } from '../src/index.ts';
import { type Comparison, comparingEngine } from './comparingEngine.ts';
import { fixture, golden } from './golden.ts';

/** AdamW divides by the root of squared gradients, which makes much of the rounding of the smallest. */
const tolerance = 1e-5;

async function columnsOf(name: string) {
  const { get } = await golden(name);
  const columns = ['inputIds', 'attentionMask', 'labels'];
  return Object.fromEntries(columns.map((column) => [column, get(`left/${column}`)]));
}

async function train(
  name: string,
  options: Pick<FineTuneOptions, 'loss' | 'targets' | 'modulesToSave' | 'trainableTokens'>,
) {
  const model = await loadPretrained(fixture(name));
  const comparisons: Comparison[] = [];
  const run = fineTune(model, {
    ...options,
    strategy: lora({ rank: 2, dropout: 0.1 }) as AnyStrategy,
    data: batches(await columnsOf(name), { batchSize: 5, shuffle: false }),
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

beforeAll(async () => {
  await tf.setBackend('wasm');
});

test.each([
  ['gpt2', { loss: causalLanguageModeling(), targets: ['c_attn'] }],
  ['gpt2', { loss: causalLanguageModeling(), targets: ['wte', 'c_attn', 'lm_head'], modulesToSave: ['ln_f'] }],
  ['gpt2', { loss: causalLanguageModeling(), targets: ['c_fc'], modulesToSave: ['lm_head', 'wpe'] }],
  ['gpt2', { loss: causalLanguageModeling(), targets: ['c_attn'], trainableTokens: [5, 17] }],
  ['gpt2', { loss: causalLanguageModeling(), targets: ['lm_head'], trainableTokens: { wte: [5], wpe: [0, 2] } }],
  ['gpt2-classes', { loss: classification(), targets: ['c_attn'], modulesToSave: ['score'] }],
  ['llama', { loss: causalLanguageModeling(), targets: ['q_proj', 'gate_proj', 'lm_head'], modulesToSave: ['norm'] }],
  ['llama-uneven', { loss: causalLanguageModeling(), targets: ['k_proj', 'v_proj'], trainableTokens: [5, 17] }],
  ['llama-classes', { loss: classification(), targets: ['down_proj'], modulesToSave: ['score'] }],
  ['opt', { loss: causalLanguageModeling(), targets: ['q_proj', 'v_proj'] }],
  ['opt-uneven', { loss: causalLanguageModeling(), targets: ['embed_tokens', 'project_out', 'lm_head'] }],
  ['opt-uneven', { loss: causalLanguageModeling(), targets: ['fc1'], trainableTokens: [5, 17, 9] }],
  ['opt-classes', { loss: classification(), targets: ['fc1', 'fc2'] }],
])('%s: a training step replays from its graph as it runs eagerly, %j', async (name, options) => {
  const comparisons = await train(name, options);
  expect(comparisons.map((each) => each.name)).toEqual(['train', 'train', 'train']);
  expect(new Set(comparisons.map(({ graph }) => graph)).size).toBe(1);
  for (const { results } of comparisons) {
    expect(results.size).toBeGreaterThan(3 * 4);
    for (const [what, { eager, replayed }] of results) requireClose(replayed, eager, { what, tolerance });
  }
});

test.each([
  ['gpt2', 31, ['c_attn']],
  ['llama', 27, ['q_proj', 'v_proj']],
  ['opt', 29, ['q_proj', 'v_proj']],
])(
  '%s: a step holds the logits of no row outside the loss, and reads table and head as two weights',
  async (name, vocabulary, targets) => {
    const [{ graph }] = (await train(name, { loss: causalLanguageModeling(), targets })) as [Comparison];
    const outputs = graph.nodes.flatMap(({ outputs: values }) => values);
    expect(outputs.filter(({ shape }) => shape.at(-1) === vocabulary && sizeOf(shape) > vocabulary)).toEqual([]);
    expect(graph.nodes.map(({ op }) => op)).toContain('PeftLinearCrossEntropyWithGradient');
    const names = graph.parameters.map((each) => each.name);
    expect(names).toContain('lm_head.weight');
    expect(names.filter((each) => /wte|embed_tokens/.test(each))).toHaveLength(1);
    // First tokens, one of the prompt and padding do not count: 21 of 45 rows do, which takes four eighths of 6.
    const counted = graph.inputs.find((each) => each.name.endsWith('headRows'));
    expect(counted?.value.shape).toEqual([24]);
  },
);

test('an evaluation replays from its graph as it runs eagerly', async () => {
  const model = await loadPretrained(fixture('gpt2'));
  const comparisons: Comparison[] = [];
  const engine = comparingEngine((comparison) => comparisons.push(comparison));
  const data = batches(await columnsOf('gpt2'), { batchSize: 5 });
  const { metrics } = await evaluate(model, { data, loss: causalLanguageModeling({ accuracy: true }), engine });
  expect(Object.keys(metrics)).toEqual(['accuracy', 'perplexity']);
  expect(comparisons.map(({ results }) => [...results.keys()])).toEqual([['metrics/accuracy', 'metrics/loss']]);
  for (const [what, { eager, replayed }] of comparisons[0]?.results ?? []) {
    requireClose(replayed, eager, { what, tolerance });
  }
  model.weights.dispose();
});
