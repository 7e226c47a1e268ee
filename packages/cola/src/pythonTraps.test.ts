// What Python PEFT 0.21.2 does in this case, fixtures/python/chain_traps.py shows.
import { adamw, attach, batches, fineTune, mergeAdapter, regression, type TrainedAdapter } from '@peft/core';
import { requireClose, toyData, toyModel } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { cola } from './cola.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const train = (strategy: Parameters<typeof fineTune>[1]['strategy'], model = toyModel()) =>
  fineTune(model, {
    strategy,
    targets: ['embed', 'query'],
    loss: regression(),
    data: batches(toyData(), { batchSize: 6 }),
    optimizer: adamw(),
    schedule: 0.05,
    steps: 8,
    progress: false,
    onWarning: () => {},
  }).result;

async function outputOf(adapter: TrainedAdapter, model = toyModel()): Promise<Float32Array> {
  const adapted = await attach(model, adapter);
  const output = adapted.apply({ ids: tf.tensor2d([0, 1, 2, 3, 4, 5], [3, 2], 'int32') });
  const values = output.dataSync().slice() as Float32Array;
  adapted.dispose();
  return values;
}

describe('Python PEFT: an adapter trained after a merge names the base before it, and loaded there gives other logits, 0.33 apart, without a word (5)', () => {
  test('here: a chain holds every link, and on the base it began with gives what it gave', async () => {
    const model = toyModel();
    const { adapter, weights, dispose } = await train(cola(lora({ rank: 2 }), { links: 2 }), model);
    const last = { ...adapter, finished: [], fingerprint: weights.fingerprint() };
    requireClose(await outputOf(adapter), await outputOf(last, { ...model, weights }), { what: 'output' });
    // Without its first link it is something else, so the comparison can fail.
    expect(await outputOf({ ...adapter, finished: [] })).not.toEqual(await outputOf(adapter));
    dispose();
  });

  test('here: an adapter that was trained on merged weights is refused by any other base', async () => {
    const model = toyModel();
    const first = await train(lora({ rank: 2 }), model);
    const merged = { ...model, weights: await mergeAdapter(model, first.adapter) };
    const second = await train(lora({ rank: 2 }), merged);
    await expect(attach(model, second.adapter)).rejects.toMatchObject({
      code: 'model/fingerprint',
      message: `this adapter was made on a base with fingerprint ${merged.weights.fingerprint()}, but this model's is ${model.weights.fingerprint()}; load the base it was trained on, without merges.`,
    });
    for (const each of [first, second]) each.dispose();
    merged.weights.dispose();
  });
});
