import { type AnyModel, disposeAdapter, hostArray, Weights } from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { writeSafetensors } from '../safetensors/writeSafetensors.ts';
import { loadAdapter } from './loadAdapter.ts';
import { namesInFile } from './namesInFile.ts';

const prefix = 'base_model.model.';
const model: AnyModel = {
  targets: [{ path: 'layer.query', kind: 'dense', shape: [2, 2] }],
  weights: new Weights([['layer.query.weight', hostArray([1, 2, 3, 4], [2, 2])]]),
  apply: () => tf.scalar(0),
  pythonPaths: { 'layer.query': 'block.q' },
};
const config = { peft_type: 'LORA', r: 1, target_modules: ['q'] };
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

function load(
  tensors: Readonly<Record<string, readonly [readonly number[], readonly number[]]>>,
  settings: object = config,
) {
  const arrays = new Map(Object.entries(tensors).map(([name, array]) => [name, hostArray(...array)]));
  const files = { 'adapter_config.json': json(settings), 'adapter_model.safetensors': writeSafetensors(arrays) };
  return loadAdapter(files, model, { formats: [loraFileFormat], onWarning: () => {} });
}

const pair = {
  [`${prefix}block.q.lora_A.weight`]: [
    [1, 2],
    [1, 2],
  ],
  [`${prefix}block.q.lora_B.weight`]: [
    [1, 2],
    [2, 1],
  ],
} as const;

test('a name of nothing but dots is looked at as far as modules are long', async () => {
  const names = [`${prefix}${'.'.repeat(400_000)}`, `${prefix}${'.lora_'.repeat(100_000)}`];
  const tensors = new Map(names.map((name) => [name, {} as never]));
  expect(namesInFile({ name: 'a', metadata: {}, tensors }, model)).toBeUndefined();
  await expect(load({ ...pair, [names[1] as string]: [[], [0]] })).rejects.toMatchObject({
    code: 'checkpoint/adapter-tensors',
  });
});

test('a shape of many axes is cut in the message', async () => {
  const wide = [
    [1, 2],
    [1, 2, ...Array<number>(5000).fill(1)],
  ] as const;
  await expect(load({ ...pair, [`${prefix}block.q.lora_A.weight`]: wide })).rejects.toThrow(
    '"base_model.model.block.q.lora_A.weight" is [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ... 5002 axes], and [1, 2] is expected',
  );
});

test('a setting that the method refuses is refused with the folder it stands in', async () => {
  const ambiguous = { ...config, rank_pattern: { q: 1, 'block.q': 2 } };
  await expect(load(pair, ambiguous)).rejects.toThrow(/^the given files: target "block.q" is matched by keys/);
});

test('an expression that backtracking would never finish does not hold up the load, and nothing stays uploaded', async () => {
  const before = tf.memory().numTensors;
  const endless = { ...config, rank_pattern: { '(([a-z.]+)+)+x': 1 } };
  const trained = await load(pair, endless);
  expect(trained.targets.map(({ path }) => path)).toEqual(['layer.query']);
  disposeAdapter(trained);
  expect(tf.memory().numTensors).toBe(before);
});
