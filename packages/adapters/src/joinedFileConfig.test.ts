import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveAdapter } from '@peft/checkpoint';
import { disposeAdapter, type TrainedAdapter } from '@peft/core';
import { toyModel } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { drawnAdapter } from '../test/combine/drawnAdapter.ts';
import { combineAdapters } from './combine/combineAdapters.ts';
import { joinedFileConfig } from './joinedFileConfig.ts';
import { sumAdapters } from './sumAdapters.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const mapping = { base_model_class: 'Tiny', parent_library: 'tiny' };
const one = {
  peft_type: 'LORA',
  r: 2,
  lora_dropout: 0.1,
  base_model_name_or_path: 'org/tiny',
  revision: 'main',
  task_type: 'FEATURE_EXTRACTION',
  auto_mapping: mapping,
};
const other = { ...one, r: 4, revision: 'old', auto_mapping: { ...mapping } };

const withConfigs = (...configs: readonly TrainedAdapter['fileConfig'][]) =>
  configs.map((fileConfig) => ({ fileConfig }) as TrainedAdapter);

it('is what all files say of base and task', () => {
  const { base_model_name_or_path, task_type, auto_mapping } = one;
  expect(joinedFileConfig(withConfigs(one, other))).toEqual({ base_model_name_or_path, task_type, auto_mapping });
  expect(joinedFileConfig(withConfigs(one, { ...one, task_type: null }))).not.toHaveProperty('task_type');
  expect(joinedFileConfig(withConfigs(one, undefined))).toBeUndefined();
  expect(joinedFileConfig(withConfigs(undefined, one))).toBeUndefined();
  expect(joinedFileConfig(withConfigs({ r: 2 }, { r: 2 }))).toBeUndefined();
});

it('is written with a combination and with a sum, without what the file said of its method', async () => {
  const model = toyModel();
  const drawn = async (seed: number, fileConfig: TrainedAdapter['fileConfig']) => ({
    ...(await drawnAdapter(model, 'lora', seed)).adapter,
    fileConfig,
  });
  const parts = [{ adapter: await drawn(1, one) }, { adapter: await drawn(2, other) }];
  const combined = await combineAdapters(model, parts);
  const sum = await sumAdapters(model, parts);
  const folder = await mkdtemp(join(tmpdir(), 'joined-'));
  try {
    for (const [name, adapter] of [
      ['combined', combined.adapter],
      ['sum', sum.adapter],
    ] as const) {
      await saveAdapter(adapter, join(folder, name));
      const config = JSON.parse(await readFile(join(folder, name, 'adapter_config.json'), 'utf8'));
      const { base_model_name_or_path, task_type, auto_mapping } = one;
      expect(config).toMatchObject({
        base_model_name_or_path,
        task_type,
        auto_mapping,
        revision: null,
        lora_dropout: 0,
      });
    }
  } finally {
    await rm(folder, { recursive: true });
    sum.dispose();
    for (const adapter of [combined.adapter, ...parts.map((part) => part.adapter)]) disposeAdapter(adapter);
  }
});
