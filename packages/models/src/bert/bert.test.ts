import '@tensorflow/tfjs-backend-wasm';
import { type At, adaptedAt, fold, hostArray, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { quickNormals } from '../quickNormals.ts';
import { bert } from './bert.ts';
import type { BertBatch } from './bertBatch.ts';
import { freshBertWeights } from './freshBertWeights.ts';

const config = {
  architectures: ['BertForSequenceClassification'],
  vocab_size: 20,
  hidden_size: 8,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 12,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-12,
  max_position_embeddings: 6,
  type_vocab_size: 2,
  num_labels: 3,
  initializer_range: 0.3,
};
const words = { ...config, architectures: ['BertForMaskedLM'] };
const encoder = { ...config, architectures: ['BertModel'] };

beforeAll(async () => {
  await tf.setBackend('wasm');
});

function built(settings: Readonly<Record<string, unknown>> = config): ReturnType<typeof bert> {
  return bert(settings, freshBertWeights(settings, 3));
}

function outputOf(model: ReturnType<typeof bert>, batch: BertBatch): tf.Tensor {
  return model.apply(batch, adaptedAt({ weights: model.weights, modules: model.targets }));
}

function ids(rows: readonly (readonly number[])[]): tf.Tensor {
  return tf.tensor2d(
    rows.map((row) => [...row]),
    undefined,
    'int32',
  );
}

test('a text has the same logits alone as padded in a batch', () => {
  const model = built();
  tf.tidy(() => {
    const inputIds = ids([
      [4, 7, 9, 0, 0],
      [3, 1, 2, 8, 5],
    ]);
    const attentionMask = ids([
      [1, 1, 1, 0, 0],
      [1, 1, 1, 1, 1],
    ]);
    const together = outputOf(model, { inputIds, attentionMask }).arraySync() as number[][];
    const alone = outputOf(model, { inputIds: ids([[4, 7, 9]]) }).arraySync() as number[][];
    for (const [label, value] of (together[0] as number[]).entries()) expect(alone[0]?.[label]).toBeCloseTo(value, 6);
  });
});

test('a mask of ones and types of zeros are what is meant where they are left out', () => {
  const model = built();
  tf.tidy(() => {
    const inputIds = ids([[4, 7, 9]]);
    const [attentionMask, tokenTypeIds] = [tf.onesLike(inputIds), tf.zerosLike(inputIds)];
    const bare = outputOf(model, { inputIds }).dataSync();
    const said = outputOf(model, { inputIds, attentionMask, tokenTypeIds }).dataSync();
    for (const [index, value] of bare.entries()) expect(said[index]).toBeCloseTo(value, 6);
    const typed = outputOf(model, { inputIds, tokenTypeIds: attentionMask }).dataSync();
    expect(Math.abs((typed[0] as number) - (bare[0] as number))).toBeGreaterThan(1e-3);
  });
});

test('any number but 0 shows a token, and a text that is hidden whole has finite logits', () => {
  const model = built();
  tf.tidy(() => {
    const inputIds = ids([[4, 7, 9]]);
    const ones = outputOf(model, { inputIds, attentionMask: ids([[1, 1, 0]]) }).dataSync();
    expect(outputOf(model, { inputIds, attentionMask: ids([[2, -1, 0]]) }).dataSync()).toEqual(ones);
    const hidden = outputOf(model, { inputIds, attentionMask: ids([[0, 0, 0]]) }).dataSync();
    expect([...hidden].every(Number.isFinite)).toBe(true);
  });
});

test('the states that a loss asks for by row are rows of the whole, and the head makes the logits of them', () => {
  const model = built(words);
  tf.tidy(() => {
    const batch = {
      inputIds: ids([
        [4, 7, 9],
        [3, 1, 2],
      ]),
    };
    const at = adaptedAt({ weights: model.weights, modules: model.targets });
    const chosen = model.linearHead?.states(batch, at, tf.tensor1d([4, 0, 4], 'int32')) as tf.Tensor;
    const logits = at.linear('cls.predictions.decoder', chosen).arraySync() as number[][];
    const whole = outputOf(model, batch).reshape([6, 20]).arraySync() as number[][];
    for (const [index, row] of [4, 0, 4].entries()) {
      for (const [word, value] of (whole[row] as number[]).entries())
        expect(logits[index]?.[word]).toBeCloseTo(value, 5);
    }
    expect(model.linearHead?.states(batch, at).shape).toEqual([6, 8]);
  });
});

test.each([
  ['classification', config, [2, 3]],
  ['words', words, [2, 4, 20]],
  ['encoder', encoder, [2, 4, 8]],
])('a forward pass of %s leaves nothing behind but its output', (_, settings, shape) => {
  const model = built(settings);
  const batch = { inputIds: tf.zeros([2, 4], 'int32'), attentionMask: tf.ones([2, 4], 'int32') };
  tf.tidy(() => void outputOf(model, batch));
  const before = tf.memory().numTensors;
  const output = tf.tidy(() => outputOf(model, batch));
  expect(output.shape).toEqual(shape);
  expect(model.outputSize).toBe(shape.at(-1));
  expect(tf.memory().numTensors).toBe(before + 1);
  tf.dispose([output, batch]);
  model.weights.dispose();
});

test('the last layer computes what is read of it: class tokens for a classifier, the rows a loss asks for', () => {
  const rowsOf = (
    settings: Readonly<Record<string, unknown>>,
    compute: (model: ReturnType<typeof bert>, at: At) => void,
  ) => {
    const model = built(settings);
    const rows = new Map<string, number>();
    const at = adaptedAt({ weights: model.weights, modules: model.targets });
    const linear = (path: string, x: tf.Tensor) => {
      rows.set(path, x.shape[0] as number);
      return at.linear(path, x);
    };
    tf.tidy(() => compute(model, { ...at, linear }));
    const names = ['attention.self.key', 'attention.self.query', 'attention.output.dense', 'output.dense'];
    return [0, 1].map((layer) => names.map((name) => rows.get(`bert.encoder.layer.${layer}.${name}`)));
  };
  const batch = { inputIds: tf.zeros([2, 5], 'int32') };
  expect(rowsOf(config, (model, at) => model.apply(batch, at))).toEqual([
    [10, 10, 10, 10],
    [10, 2, 2, 2],
  ]);
  const asked = tf.tensor1d([4, 0, 9], 'int32');
  expect(rowsOf(words, (model, at) => model.linearHead?.states(batch, at, asked))).toEqual([
    [10, 10, 10, 10],
    [10, 10, 3, 3],
  ]);
});

test.each([
  ['no column', {}, 'the batch has no column "inputIds"; a BERT reads int32 [sequences, length] from it.'],
  [
    'one axis',
    { inputIds: () => tf.zeros([4], 'int32') },
    'batch column "inputIds" is int32 [4]; a BERT reads int32 [sequences, length].',
  ],
  [
    'floats',
    { inputIds: () => tf.zeros([2, 4]) },
    'batch column "inputIds" is float32 [2, 4]; a BERT reads int32 [sequences, length].',
  ],
  [
    'a text too long',
    { inputIds: () => tf.zeros([2, 7], 'int32') },
    'batch column "inputIds" is int32 [2, 7]: its sequences are longer than the 6 tokens of max_position_embeddings; truncate them.',
  ],
  [
    'a mask of floats',
    { inputIds: () => tf.zeros([2, 4], 'int32'), attentionMask: () => tf.zeros([2, 4]) },
    'batch column "attentionMask" is float32 [2, 4]; beside "inputIds" it must be int32 [2, 4].',
  ],
  [
    'types of another length',
    { inputIds: () => tf.zeros([2, 4], 'int32'), tokenTypeIds: () => tf.zeros([2, 3], 'int32') },
    'batch column "tokenTypeIds" is int32 [2, 3]; beside "inputIds" it must be int32 [2, 4].',
  ],
])('a batch with %s is refused', (_, columns: Readonly<Record<string, () => tf.Tensor>>, message) => {
  const model = built();
  tf.tidy(() => {
    const batch = Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column()])) as BertBatch;
    expect(() => outputOf(model, batch)).toThrow(expect.objectContaining({ code: 'model/batch', message }));
  });
});

test('weights that are not the model’s are refused, all at once', () => {
  const fresh = freshBertWeights(words, 3);
  const kept = fresh.paths.filter((path) => path !== 'cls.predictions.decoder.bias');
  const types = 'bert.embeddings.token_type_embeddings.weight';
  const weights = new Weights([
    ...kept.map((path) => [path, path === types ? hostArray([1]) : fresh.get(path)] as const),
    ['classifier.bias', hostArray([1])],
  ]);
  expect(() => bert(words, weights)).toThrow(
    expect.objectContaining({
      code: 'model/weights',
      message:
        '3 weights do not fit the model that the config describes; pass weights [in, out] of that model:\n' +
        '  cls.predictions.decoder.bias is missing\n' +
        '  classifier.bias is not a parameter of this model\n' +
        '  bert.embeddings.token_type_embeddings.weight is [1], expected [2,8]',
    }),
  );
});

test('fresh weights: biases and the padding word zero, norm gains one, matrices from seeds of their own', () => {
  const values = (settings: Readonly<Record<string, unknown>>, path: string) =>
    freshBertWeights(settings, 3).get(path).data as Float32Array;
  const table = 'bert.embeddings.word_embeddings.weight';
  const drawn = quickNormals(fold(3, table), 160, 0.3);
  expect(values({ ...config, pad_token_id: null }, table)).toEqual(drawn);
  expect(values(config, table)).toEqual(drawn.map((value, index) => (index < 8 ? 0 : value)));
  expect(values({ ...config, pad_token_id: 2 }, table)).toEqual(
    drawn.map((value, index) => (index >= 16 && index < 24 ? 0 : value)),
  );
  expect(new Set(values(words, 'cls.predictions.decoder.bias'))).toEqual(new Set([0]));
  expect(new Set(values(words, 'cls.predictions.transform.LayerNorm.weight'))).toEqual(new Set([1]));
  const query = 'encoder.layer.0.attention.self.query.weight';
  expect(values(encoder, query)).toEqual(quickNormals(fold(3, query), 64, 0.3));
});

test('targets are tables and linear layers that the task reads, in the order of the forward pass', () => {
  const layer = (prefix: string, index: number) =>
    ['attention.self.query', 'attention.self.key', 'attention.self.value', 'attention.output.dense']
      .map((name) => `${prefix}encoder.layer.${index}.${name} dense 8,8`)
      .concat(
        `${prefix}encoder.layer.${index}.intermediate.dense dense 8,12`,
        `${prefix}encoder.layer.${index}.output.dense dense 12,8`,
      );
  const inside = (prefix: string) => [
    `${prefix}embeddings.word_embeddings embedding 20,8`,
    `${prefix}embeddings.position_embeddings embedding 6,8`,
    `${prefix}embeddings.token_type_embeddings embedding 2,8`,
    ...layer(prefix, 0),
    ...layer(prefix, 1),
  ];
  const said = (settings: Readonly<Record<string, unknown>>) =>
    built(settings).targets.map(({ path, kind, shape }) => `${path} ${kind} ${shape}`);
  expect(said(config)).toEqual([...inside('bert.'), 'bert.pooler.dense dense 8,8', 'classifier dense 8,3']);
  expect(said(words)).toEqual([
    ...inside('bert.'),
    'cls.predictions.transform.dense dense 8,8',
    'cls.predictions.decoder transposed-dense 20,8',
  ]);
  expect(said(encoder)).toEqual(inside(''));
  expect([config, words, encoder].map((settings) => built(settings).outputHead)).toEqual([
    ['classifier'],
    ['cls.predictions.decoder'],
    undefined,
  ]);
});

test('the head holds the table of words in the same memory', () => {
  const { weights } = built(words);
  const [head, table] = ['cls.predictions.decoder.weight', 'bert.embeddings.word_embeddings.weight'].map((path) =>
    weights.get(path),
  );
  expect(head?.data.buffer).toBe(table?.data.buffer);
});
