import { byteSource, openSafetensors, writeSafetensors } from '@peft/checkpoint';
import { fold, hostArray } from '@peft/core';
import { normals } from '@peft/ops';
import { expect, test } from 'vitest';
import { fixture, fixtureFiles } from '../test/golden.ts';
import { loadPretrained } from './loadPretrained.ts';

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const uneven = fixtureFiles('vit-uneven');
const config = JSON.parse(new TextDecoder().decode(uneven['config.json'])) as Record<string, unknown>;

test.each([
  ['xlnet', '"xlnet"'],
  ['constructor', '"constructor"'],
  [undefined, 'missing'],
])('the model type %s is refused with the families there are', async (modelType, said) => {
  const source = { ...uneven, 'config.json': text({ ...config, model_type: modelType }) };
  await expect(loadPretrained(source)).rejects.toMatchObject({
    code: 'model/family',
    message: `the given files: model_type in config.json is ${said}; the families that can be loaded are bert, gpt2, llama, opt, vit.`,
  });
});

test('a config that cannot be built is refused before the weights are looked at', async () => {
  const source = { ...uneven, 'config.json': text({ ...config, hidden_act: 'silu' }) };
  await expect(loadPretrained(source)).rejects.toMatchObject({
    code: 'model/config',
    message:
      'the given files: config.json does not describe a ViT that can be built; change this:\n' +
      '  hidden_act is "silu"; supported are gelu, gelu_fast, gelu_new, gelu_pytorch_tanh, relu',
  });
});

test('every missing, unexpected, misshapen and whole-number tensor is named at once', async () => {
  const { tensors } = await openSafetensors(byteSource('model.safetensors', uneven['model.safetensors']));
  const arrays = new Map(
    await Promise.all([...tensors].map(async ([name, tensor]) => [name, await tensor.read()] as const)),
  );
  arrays.delete('vit.embeddings.cls_token');
  arrays.set('vit.pooler.dense.bias', hostArray([1, 2]));
  arrays.set('classifier.weight', hostArray(new Float32Array(36), [12, 3]));
  arrays.set('classifier.bias', hostArray(new Int32Array(3)));
  const source = { ...uneven, 'model.safetensors': writeSafetensors(arrays) };
  await expect(loadPretrained(source)).rejects.toMatchObject({
    code: 'checkpoint/tensors',
    message:
      'the given files: the weights do not fit the model that config.json describes (21 tensors are expected, the folder has 21); use the config and the weights of one model:\n' +
      '  "vit.embeddings.cls_token" is missing\n' +
      '  "classifier.weight" is [12, 3], and the model has [3, 12]\n' +
      '  "classifier.bias" is int32, and weights are floats\n' +
      '  "vit.pooler.dense.bias" is not a parameter of the model',
  });
});

test('fields given with the folder replace those of config.json', async () => {
  const unknown = { ...uneven, 'config.json': text({ ...config, hidden_act: 'silu' }) };
  await expect(loadPretrained(unknown)).rejects.toMatchObject({ code: 'model/config' });
  const model = await loadPretrained(unknown, { config: { hidden_act: 'relu' } });
  expect(model.config).toEqual({ ...config, hidden_act: 'relu' });
});

test('targets are all linear layers, [in, out], in the order of the forward pass', async () => {
  const model = await loadPretrained(fixture('vit-uneven'));
  const layer = 'vit.encoder.layer.0';
  expect(model.targets.map(({ path, kind, shape }) => `${path} ${kind} ${shape}`)).toEqual([
    `${layer}.attention.attention.query dense 12,12`,
    `${layer}.attention.attention.key dense 12,12`,
    `${layer}.attention.attention.value dense 12,12`,
    `${layer}.attention.output.dense dense 12,12`,
    `${layer}.intermediate.dense dense 12,20`,
    `${layer}.output.dense dense 20,12`,
    'classifier dense 12,3',
  ]);
  expect(model.outputHead).toEqual(['classifier']);
  expect(model.outputSize).toBe(3);
  expect(model.weights.get('vit.embeddings.patch_embeddings.projection.weight').shape).toEqual([18, 12]);
  expect(model.weights.has(`${layer}.attention.attention.query.bias`)).toBe(false);
});

test('a head that the folder has for other classes, or not at all, is drawn where a seed is given', async () => {
  const { tensors } = await openSafetensors(byteSource('model.safetensors', uneven['model.safetensors']));
  const headless = new Map(
    await Promise.all(
      [...tensors]
        .filter(([name]) => !name.startsWith('classifier.'))
        .map(async ([name, tensor]) => [name, await tensor.read()] as const),
    ),
  );
  const source = { ...uneven, 'model.safetensors': writeSafetensors(headless) };
  const whole = await loadPretrained(fixture('vit-uneven'));
  const fresh = await loadPretrained(source, { freshHead: 4 });
  const other = await loadPretrained(fixture('vit-uneven'), {
    config: { id2label: undefined, num_labels: 5 },
    freshHead: 4,
  });
  for (const [{ weights }, classes] of [
    [fresh, 3],
    [other, 5],
  ] as const) {
    expect(weights.get('classifier.bias')).toEqual(hostArray(new Float32Array(classes)));
    expect(weights.get('classifier.weight').data).toEqual(
      normals(fold(4, 'classifier.weight'), 12 * classes).map((value) => value * 0.02),
    );
    expect(weights.get('classifier.weight').shape).toEqual([12, classes]);
    const others = weights.paths.filter((path) => !path.startsWith('classifier.'));
    for (const path of others) expect(weights.get(path), path).toEqual(whole.weights.get(path));
  }
  const kept = await loadPretrained(fixture('vit-uneven'), { freshHead: 4 });
  expect(kept.weights.fingerprint()).toBe(whole.weights.fingerprint());
});

test('a seed for the head excuses no other tensor, and its deviation is checked', async () => {
  const { tensors } = await openSafetensors(byteSource('model.safetensors', uneven['model.safetensors']));
  const arrays = await Promise.all([...tensors].map(async ([name, tensor]) => [name, await tensor.read()] as const));
  const broken = new Map(arrays.filter(([name]) => name !== 'vit.layernorm.bias' && name !== 'classifier.bias'));
  const source = { ...uneven, 'model.safetensors': writeSafetensors(broken) };
  await expect(loadPretrained(source, { freshHead: 4 })).rejects.toMatchObject({
    code: 'checkpoint/tensors',
    message:
      'the given files: the weights do not fit the model that config.json describes (20 tensors are expected, the folder has 19); use the config and the weights of one model:\n' +
      '  "vit.layernorm.bias" is missing',
  });
  await expect(loadPretrained(source, { freshHead: 4, config: { initializer_range: 'wide' } })).rejects.toMatchObject({
    code: 'model/config',
    message: 'the given files: initializer_range in config.json is "wide"; it must be a number of at least 0.',
  });
});

test('numbers in config.json alone do not say how much memory is taken', async () => {
  const huge = { num_hidden_layers: 2 ** 40, id2label: null };
  await expect(loadPretrained(fixture('vit-uneven'), { config: huge })).rejects.toThrow(
    'num_hidden_layers is 1099511627776; models of up to 1000 layers can be built',
  );
  const wide = { num_labels: 2 ** 40, id2label: null };
  await expect(loadPretrained(fixture('vit-uneven'), { config: wide, freshHead: 4 })).rejects.toMatchObject({
    code: 'model/fresh-head',
    message: expect.stringMatching(
      /vit-uneven.*: the head to draw has 14293651161088 values \(.*classifier.weight \[12,1099511627776\].*\), and the folder holds \d+ bytes of weights in all; correct num_labels in config.json\.$/,
    ),
  });
});

test('what a hostile config.json says is cut in the message', async () => {
  const config = { model_type: 'x'.repeat(100_000) };
  await expect(loadPretrained(fixture('vit-uneven'), { config })).rejects.toThrow(
    `model_type in config.json is "${'x'.repeat(199)}... (100002 characters); the families`,
  );
});
