import '@tensorflow/tfjs-backend-wasm';
import { type AnyModel, adaptedAt, hostArray, type Model, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { freshGpt2Weights } from '../gpt2/freshGpt2Weights.ts';
import { gpt2 } from '../gpt2/gpt2.ts';
import { freshLlamaWeights } from '../llama/freshLlamaWeights.ts';
import { llama } from '../llama/llama.ts';
import { freshOptWeights } from '../opt/freshOptWeights.ts';
import { opt } from '../opt/opt.ts';
import type { TokenBatch } from '../tokenBatch.ts';

const gpt2Config = {
  architectures: ['GPT2LMHeadModel'],
  vocab_size: 19,
  n_positions: 9,
  n_embd: 8,
  n_layer: 2,
  n_head: 2,
  activation_function: 'gelu_new',
  layer_norm_epsilon: 1e-5,
  initializer_range: 0.3,
};
const optConfig = {
  architectures: ['OPTForCausalLM'],
  vocab_size: 19,
  hidden_size: 8,
  num_hidden_layers: 2,
  ffn_dim: 12,
  max_position_embeddings: 9,
  num_attention_heads: 2,
  activation_function: 'relu',
  init_std: 0.3,
};
const llamaConfig = {
  architectures: ['LlamaForCausalLM'],
  vocab_size: 19,
  hidden_size: 8,
  num_hidden_layers: 2,
  intermediate_size: 12,
  max_position_embeddings: 9,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  initializer_range: 0.3,
  tie_word_embeddings: true,
};
const families = [
  [
    'a GPT-2',
    'n_positions',
    (more = {}) => gpt2({ ...gpt2Config, ...more }, freshGpt2Weights({ ...gpt2Config, ...more }, 3)),
  ],
  [
    'a Llama',
    'max_position_embeddings',
    (more = {}) => llama({ ...llamaConfig, ...more }, freshLlamaWeights({ ...llamaConfig, ...more }, 3)),
  ],
  [
    'an OPT',
    'max_position_embeddings',
    (more = {}) => opt({ ...optConfig, ...more }, freshOptWeights({ ...optConfig, ...more }, 3)),
  ],
] as const;

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const atOf = (model: Model<TokenBatch>) => adaptedAt({ weights: model.weights, modules: model.targets });
const idsOf = (rows: readonly (readonly number[])[]) => tf.tensor2d(rows as number[][], undefined, 'int32');

function logitsOf(model: Model<TokenBatch>, inputIds: tf.Tensor, attentionMask?: tf.Tensor): number[][][] {
  const batch = { inputIds, ...(attentionMask && { attentionMask }) };
  return tf.tidy(() => model.apply(batch, atOf(model)).arraySync()) as number[][][];
}

function expectClose(actual: readonly number[] | undefined, expected: readonly number[] | undefined): void {
  expect(actual).toHaveLength(expected?.length ?? -1);
  for (const [index, value] of (expected ?? []).entries()) expect(actual?.[index]).toBeCloseTo(value, 5);
}

describe.each(families)('%s', (name, field, make) => {
  test('a token changes nothing before it, and padding nothing anywhere', () => {
    const model = make();
    const [ids, other] = [idsOf([[5, 6, 7, 8]]), idsOf([[5, 6, 7, 9]])];
    const [logits, changed] = [logitsOf(model, ids), logitsOf(model, other)];
    for (const place of [0, 1, 2]) expectClose(changed[0]?.[place], logits[0]?.[place]);
    expect(changed[0]?.[3]).not.toEqual(logits[0]?.[3]);

    const padded = logitsOf(model, idsOf([[5, 6, 7, 8, 1, 1]]), idsOf([[1, 1, 1, 1, 0, 0]]));
    for (const place of [0, 1, 2, 3]) expectClose(padded[0]?.[place], logits[0]?.[place]);
  });

  test('its head’s states are all rows, or those asked for', () => {
    const model = make();
    const at = atOf(model);
    tf.tidy(() => {
      const batch = {
        inputIds: idsOf([
          [5, 6, 7],
          [1, 2, 3],
        ]),
      };
      const all = model.linearHead?.states(batch, at) as tf.Tensor;
      const some = model.linearHead?.states(batch, at, tf.tensor1d([4, 0, 4], 'int32')) as tf.Tensor;
      expect([all.shape, some.shape]).toEqual([
        [6, 8],
        [3, 8],
      ]);
      const rows = all.arraySync() as number[][];
      for (const [index, row] of (some.arraySync() as number[][]).entries())
        expectClose(row, rows[[4, 0, 4][index] ?? 0]);
      const logits = at.linear(model.linearHead?.path ?? '', all).dataSync();
      expectClose([...logits], logitsOf(model, batch.inputIds).flat(2));
    });
  });

  test('head and table lie in one memory under two names', () => {
    const { weights, targets, outputHead } = make();
    const [table, head] = [targets[0], targets.at(-1)].map((target) => weights.get(`${target?.path}.weight`));
    expect(head?.data.buffer).toBe(table?.data.buffer);
    expect(head?.data).not.toBe(table?.data);
    expect(outputHead).toEqual(['lm_head']);
    expect(targets.at(-1)).toEqual({ path: 'lm_head', kind: 'transposed-dense', shape: [19, 8] });
  });

  test('a head of its own stands in its weights', () => {
    const model = make({ tie_word_embeddings: false });
    const [table, head] = [model.targets[0], model.targets.at(-1)].map(({ path = '' } = {} as never) =>
      model.weights.get(`${path}.weight`),
    );
    expect(head?.data).not.toEqual(table?.data);
  });

  test('classifies the last token that is no padding', () => {
    const architectures = [`${name.split(' ')[1]?.replace('-', '')}ForSequenceClassification`];
    const rows = [
      [5, 6, 7, 0, 0],
      [0, 0, 3, 4, 8],
      [0, 2, 0, 9, 0],
    ];
    const masks = rows.map((row) => row.map((id) => (id === 0 ? 0 : 1)));
    const expected = [2, 4, 3];
    for (const more of [{ pad_token_id: 0 }, { pad_token_id: null }]) {
      const model = make({ architectures, num_labels: 3, ...more });
      expect([model.outputHead, model.outputSize, model.linearHead]).toEqual([['score'], 3, undefined]);
      tf.tidy(() => {
        const [inputIds, attentionMask] = [idsOf(rows), idsOf(masks)];
        const logits = model.apply({ inputIds, attentionMask }, atOf(model));
        const cut = expected.map((last, row) => {
          const upTo = (all: readonly (readonly number[])[]) => idsOf([all[row]?.slice(0, last + 1) ?? []]);
          return model.apply({ inputIds: upTo(rows), attentionMask: upTo(masks) }, atOf(model)).dataSync();
        });
        expectClose(
          [...logits.dataSync()],
          cut.flatMap((each) => [...each]),
        );
      });
    }
    const last = make({ architectures, pad_token_id: null });
    tf.tidy(() => {
      const unmasked = last.apply({ inputIds: idsOf(rows) }, atOf(last));
      const masked = last.apply({ inputIds: idsOf(rows), attentionMask: tf.ones([3, 5], 'int32') }, atOf(last));
      expectClose([...unmasked.dataSync()], [...masked.dataSync()]);
    });
  });

  test('a forward pass leaves nothing behind but its logits', () => {
    const model = make();
    const batch = { inputIds: idsOf([[1, 2, 3]]), attentionMask: idsOf([[1, 1, 0]]) };
    tf.tidy(() => void model.apply(batch, atOf(model)));
    const before = tf.memory().numTensors;
    const logits = tf.tidy(() => model.apply(batch, atOf(model)));
    expect(tf.memory().numTensors).toBe(before + 1);
    tf.dispose([logits, Object.values(batch)]);
    model.weights.dispose();
  });

  test.each([
    ['no column', {}, `the batch has no column "inputIds"; ${name} reads int32 [sequences, length] from it.`],
    [
      'three axes',
      { inputIds: () => tf.zeros([2, 4, 4], 'int32') },
      `batch column "inputIds" is int32 [2, 4, 4]; ${name} reads int32 [sequences, length].`,
    ],
    [
      'fractions',
      { inputIds: () => tf.zeros([2, 4]) },
      `batch column "inputIds" is float32 [2, 4]; ${name} reads int32 [sequences, length].`,
    ],
    [
      'sequences that are too long',
      { inputIds: () => tf.zeros([2, 10], 'int32') },
      `batch column "inputIds" is int32 [2, 10]: its sequences are longer than the 9 tokens of ${field}; truncate them.`,
    ],
    [
      'a mask of another length',
      { inputIds: () => tf.zeros([2, 4], 'int32'), attentionMask: () => tf.ones([2, 5], 'int32') },
      'batch column "attentionMask" is int32 [2, 5]; beside "inputIds" it must be int32 [2, 4].',
    ],
  ])('a batch with %s is refused', (_, columns: Readonly<Record<string, () => tf.Tensor>>, message) => {
    const model = make() as AnyModel;
    tf.tidy(() => {
      const batch = Object.fromEntries(Object.entries(columns).map(([key, column]) => [key, column()]));
      const at = adaptedAt({ weights: model.weights, modules: model.targets });
      const refused = expect.objectContaining({ code: 'model/batch', message });
      expect(() => model.apply(batch, at)).toThrow(refused);
      expect(() => model.linearHead?.states(batch, at)).toThrow(refused);
    });
  });
});

test('fresh weights: branches of GPT-2 end smaller, the padding of OPT and Llama is zero, equal seeds are equal', () => {
  const wide = { ...gpt2Config, n_embd: 64, n_layer: 8 };
  const weights = freshGpt2Weights(wide, 3);
  const deviation = (path: string) => {
    const values = weights.get(path).data as Float32Array;
    return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  };
  expect(deviation('transformer.h.1.attn.c_attn.weight')).toBeCloseTo(0.3, 2);
  expect(deviation('transformer.h.1.attn.c_proj.weight')).toBeCloseTo(0.3 / 4, 2);
  expect(deviation('transformer.h.1.mlp.c_proj.weight')).toBeCloseTo(0.3 / 4, 2);
  expect(new Set(weights.get('transformer.h.0.ln_1.weight').data as Float32Array)).toEqual(new Set([1]));
  expect(new Set(weights.get('transformer.h.0.attn.c_attn.bias').data as Float32Array)).toEqual(new Set([0]));
  expect(freshGpt2Weights(wide, 3).fingerprint()).toBe(weights.fingerprint());
  expect(freshGpt2Weights(wide, 4).fingerprint()).not.toBe(weights.fingerprint());

  const table = freshOptWeights(optConfig, 3).get('model.decoder.embed_tokens.weight').data as Float32Array;
  expect([...table.slice(8, 16)]).toEqual(Array(8).fill(0));
  expect(table.slice(0, 8).every((value) => value !== 0)).toBe(true);
  const llamaTable = freshLlamaWeights({ ...llamaConfig, pad_token_id: 2 }, 3).get('model.embed_tokens.weight').data;
  expect([...(llamaTable as Float32Array).slice(16, 24)]).toEqual(Array(8).fill(0));
  expect(() => freshOptWeights({ ...optConfig, init_std: -1 }, 3)).toThrow(
    'init_std in config.json is -1; it must be a number of at least 0.',
  );
});

test('weights that are not the model’s are refused, all at once', () => {
  const fresh = freshGpt2Weights(gpt2Config, 3);
  const weights = new Weights([
    ...fresh.paths
      .filter((path) => path !== 'transformer.ln_f.bias')
      .map((path) => [path, path.endsWith('wpe.weight') ? hostArray([1, 2]) : fresh.get(path)] as const),
    ['transformer.h.0.attn.bias', hostArray([1])],
  ]);
  expect(() => gpt2(gpt2Config, weights)).toThrow(
    expect.objectContaining({
      code: 'model/weights',
      message:
        '3 weights do not fit the model that the config describes; pass weights [in, out] of that model:\n' +
        '  transformer.ln_f.bias is missing\n' +
        '  transformer.h.0.attn.bias is not a parameter of this model\n' +
        '  transformer.wpe.weight is [2], expected [9,8]',
    }),
  );
});
