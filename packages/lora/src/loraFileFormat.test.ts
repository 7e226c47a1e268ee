import { type AdapterFile, hostArray, type Target, type TrainedAdapter, toTensor, uploadSnapshot } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { type LoraStrategy, lora, loraFileFormat } from './lora.ts';
import type { LoraParams } from './loraParams.ts';

const query: Target = { path: 'layer.0.query', kind: 'dense', shape: [3, 2] };
const words: Target = { path: 'words', kind: 'embedding', shape: [4, 2] };
const targets = [words, query];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const counting = (shape: readonly number[], first: number) =>
  hostArray(
    Array.from({ length: shape.reduce((size, length) => size * length, 1) }, (_, index) => first + index / 8),
    shape,
  );

function trainedBy(strategy: LoraStrategy, more: Partial<TrainedAdapter> = {}): TrainedAdapter {
  const pair = (target: Target, rank: number) => ({
    a: toTensor(counting([target.shape[0] as number, rank], 1)),
    b: toTensor(counting([rank, 2], -2)),
    ...(strategy.options.dora && { magnitude: toTensor(counting([2], 5)) }),
  });
  const params: LoraParams = { [words.path]: pair(words, 1), [query.path]: pair(query, 2) };
  return {
    strategy,
    adapter: { params, state: {} },
    targets,
    modules: targets,
    trained: {},
    tokenRows: {},
    modulesToSave: [],
    bias: 'none',
    finished: [],
    fingerprint: '',
    ...more,
  };
}

const options = { rank: 2, alpha: 3, rankPattern: { words: 1 }, alphaPattern: { query: 5 } };
const config = { r: 2, loraAlpha: 3, rankPattern: { words: 1 }, alphaPattern: { query: 5 } };

function file(changed: Partial<AdapterFile> = {}): AdapterFile {
  const tensors = {
    [query.path]: { a: counting([3, 2], 1), b: counting([2, 2], -2) },
    [words.path]: { a: counting([4, 1], 1), b: counting([1, 2], -2) },
  };
  return { peftType: 'LORA', config, tensors, ...changed };
}

it('writes the options and tensors of a LoRA adapter', async () => {
  const strategy = lora({ ...options, dropout: 0.1, rsLora: true, init: 'gaussian' });
  expect(strategy.fileFormat).toBe(loraFileFormat);
  const trained = trainedBy(strategy, { bias: 'adapted', modulesToSave: ['classifier'] });
  expect(await loraFileFormat.encode(trained)).toEqual({
    peftType: 'LORA',
    config: {
      ...config,
      loraDropout: 0.1,
      useRslora: true,
      useDora: false,
      initLoraWeights: 'gaussian',
      bias: 'lora_only',
      modulesToSave: ['classifier'],
      targetModules: ['layer.0.query', 'words'],
    },
    tensors: file().tensors,
  });
});

it('writes magnitudes of DoRA, every word for biases, and null for no modules', async () => {
  const written = await loraFileFormat.encode(trainedBy(lora({ ...options, dora: true }), { bias: 'all' }));
  expect(written.config).toMatchObject({ useDora: true, bias: 'all', modulesToSave: null, initLoraWeights: true });
  expect(written.tensors[query.path]?.magnitude).toEqual(counting([2], 5));
  expect((await loraFileFormat.encode(trainedBy(lora(options)))).config.bias).toBe('none');
});

it.each([options, { ...options, dora: true, rsLora: true }, { ...options, dropout: 0.25, init: false }])(
  '%o: what is written is read back as it was',
  async (given) => {
    const strategy = lora(given);
    const trained = trainedBy(strategy);
    const decoded = loraFileFormat.decode(await loraFileFormat.encode(trained), targets);
    expect((decoded.strategy as LoraStrategy).options).toEqual(strategy.options);
    expect(decoded.state).toEqual({});
    const params = uploadSnapshot(decoded.params) as LoraParams;
    for (const target of targets) {
      const weight = toTensor(counting(target.shape, 0.5));
      const merged = decoded.strategy.merge({ params, state: {} }, target, weight).dataSync();
      expect(merged).toEqual(
        strategy.merge({ params: trained.adapter.params as LoraParams, state: {} }, target, weight).dataSync(),
      );
    }
  },
);

it('reads a config of defaults, and initialisations that differ in the values alone', () => {
  const sparse = { r: null, loraBias: false, arrowConfig: null, targetParameters: [], layerReplication: null };
  const tensors = { [query.path]: { a: counting([3, 8], 0), b: counting([8, 2], 0) } };
  const decode = (more: object) =>
    loraFileFormat.decode(file({ config: { ...sparse, ...more }, tensors }), [query]).strategy as LoraStrategy;
  expect(decode({}).options).toEqual(lora().options);
  expect(decode({ initLoraWeights: 'eva' }).options.init).toBe(true);
  expect(decode({ initLoraWeights: 'mica' }).options.init).toBe(true);
  expect(decode({ initLoraWeights: 'Gaussian' }).options.init).toBe('gaussian');
  expect(decode({ initLoraWeights: false }).options.init).toBe(false);
});

it('refuses to write the adapter of another strategy', async () => {
  const { options: _, ...other } = { ...lora(), name: 'mine' };
  const trained = { ...trainedBy(lora(options)), strategy: other };
  await expect(loraFileFormat.encode(trained)).rejects.toThrow(
    'loraFileFormat writes adapters that lora() made, and strategy "mine" is another; use that strategy\'s own fileFormat.',
  );
});

it('refuses settings that are no options', () => {
  expect(() => loraFileFormat.decode(file({ config: { ...config, r: 0 } }), targets)).toThrow(
    'lora: rank is 0; it must be a whole number of at least 1.',
  );
});

it('refuses tensors that are missing, left over or of another shape, all of them', () => {
  const tensors: AdapterFile['tensors'] = {
    [query.path]: { a: counting([3, 4], 1), b: counting([2, 2], 1), magnitude: counting([2], 1) },
    'layer.9.query': { a: counting([3, 2], 1) },
  };
  expect(() => loraFileFormat.decode(file({ tensors }), targets)).toThrow(
    `lora: the adapter's tensors do not fit its config and the model in 5 places; load the model and the config it was saved with:
- words/a is missing; it should be [4,1].
- words/b is missing; it should be [1,2].
- layer.0.query/a is [3,4]; it should be [3,2].
- layer.0.query/magnitude belongs to nothing.
- layer.9.query/a belongs to nothing.`,
  );
});

it('says what the tensors of a config must be', () => {
  expect(loraFileFormat.shapes({ ...config, useDora: true }, targets)).toEqual({
    [words.path]: { a: [4, 1], b: [1, 2], magnitude: [2] },
    [query.path]: { a: [3, 2], b: [2, 2], magnitude: [2] },
  });
  expect(() => loraFileFormat.shapes({ loraAlpha: 0 }, targets)).toThrow('alpha is 0');
});
