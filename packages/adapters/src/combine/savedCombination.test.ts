import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adalora } from '@peft/adalora';
import { loadAdapter, saveAdapter } from '@peft/checkpoint';
import { cola } from '@peft/cola';
import {
  type AnyStrategy,
  adamw,
  attach,
  batches,
  disposeAdapter,
  evaluate,
  fineTune,
  regression,
  type TrainedAdapter,
} from '@peft/core';
import { requireClose, toyData, toyModel } from '@peft/core/testing';
import { lora, loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { combineAdapters } from './combineAdapters.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const data = () => batches(toyData(), { batchSize: 6 });

async function trained(strategy: AnyStrategy, targets: readonly string[], seed: number): Promise<TrainedAdapter> {
  const { adapter } = await fineTune(toyModel(), {
    strategy,
    targets,
    bias: 'adapted',
    modulesToSave: ['head'],
    loss: regression(),
    data: data(),
    steps: 8,
    optimizer: adamw(),
    schedule: 0.05,
    seed,
    progress: false,
  }).result;
  return adapter;
}

it('a combination of trained adapters is saved as a LoRA folder, loaded again with the same values, and trained further', async () => {
  const model = toyModel();
  const chain = cola((index) => (index === 0 ? lora({ rank: 3 }) : adalora({ initRank: 2, targetRank: 1 })), {
    links: 2,
  });
  const one = await trained(chain as unknown as AnyStrategy, ['embed', 'layer.0.query'], 1);
  const two = await trained(lora({ rank: 2, rsLora: true }) as unknown as AnyStrategy, ['query'], 2);
  expect(one.finished.length).toBe(1);
  const { adapter } = await combineAdapters(model, [
    { adapter: one, weight: 0.6 },
    { adapter: two, weight: 0.4 },
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'combined-'));
  try {
    await saveAdapter(adapter, folder);
    const config = JSON.parse(await readFile(join(folder, 'adapter_config.json'), 'utf8'));
    expect(config).toMatchObject({ peft_type: 'LORA', bias: 'lora_only', modules_to_save: ['head'] });
    const loaded = await loadAdapter(folder, model, { formats: [loraFileFormat] });
    const [saved, back] = [await outputOf(model, adapter), await outputOf(model, loaded)];
    expect(back).toEqual(saved);
    expect(Object.keys(loaded.trained).sort()).toEqual(Object.keys(adapter.trained).sort());
    for (const { path } of adapter.targets) {
      const [left, right] = [adapter, loaded].map(
        ({ adapter: { params } }) => params[path] as { a: tf.Tensor; b: tf.Tensor },
      );
      for (const side of ['a', 'b'] as const) expect(right?.[side].dataSync()).toEqual(left?.[side].dataSync());
    }
    const before = await evaluate(model, { data: data(), loss: regression(), adapter: loaded });
    const further = await fineTune(model, {
      strategy: loaded.strategy,
      targets: loaded.targets.map(({ path }) => path),
      bias: 'adapted',
      modulesToSave: ['head'],
      from: loaded,
      loss: regression(),
      data: data(),
      steps: 20,
      optimizer: adamw(),
      schedule: 0.02,
      seed: 3,
      progress: false,
    }).result;
    const after = await evaluate(model, { data: data(), loss: regression(), adapter: further.adapter });
    expect(after.loss).toBeLessThan(before.loss);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('what one chain computes, its single combination computes too', async () => {
  const model = toyModel();
  const chain = cola(lora({ rank: 2 }), { links: 3 }) as unknown as AnyStrategy;
  const one = await trained(chain, ['embed', 'query'], 5);
  const { adapter } = await combineAdapters(model, [{ adapter: one }]);
  requireClose(await outputOf(model, adapter), await outputOf(model, one), { what: 'output', tolerance: 1e-6 });
  disposeAdapter(adapter);
});

async function outputOf(model: ReturnType<typeof toyModel>, adapter: TrainedAdapter) {
  const attached = await attach(model, adapter);
  const ids = tf.tensor2d(toyData(7).ids.data as Int32Array, [24, 2], 'int32');
  const output = attached.apply({ ids });
  const values = output.dataSync() as Float32Array;
  attached.dispose();
  tf.dispose([ids, output]);
  return values;
}
