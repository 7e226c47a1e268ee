import { adaptedAt, batches, classification, evaluate, fineTune, sgd } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { expectValues } from '../../test/expectValues.ts';
import { givenFactors } from '../../test/givenFactors.ts';
import { fixture, golden } from '../../test/golden.ts';
import { onEachBackend } from '../../test/onEachBackend.ts';
import { loadPretrained } from '../loadPretrained.ts';

onEachBackend(() => {
  test.each(['vit', 'vit-uneven'])('%s: logits and loss are those of transformers', async (name) => {
    const model = await loadPretrained(fixture(name));
    const expected = await golden(name);
    const [pixelValues, labels] = [expected.get('pixelValues'), expected.get('labels')];
    const logits = tf.tidy(() => {
      const pixels = tf.tensor(pixelValues.data as Float32Array, [...pixelValues.shape]);
      const at = adaptedAt({ weights: model.weights, modules: model.targets });
      return model.apply({ pixelValues: pixels }, at);
    });
    expect(logits.shape).toEqual(expected.get('logits').shape);
    expectValues('ViT: outputs and losses', (await logits.data()) as Float32Array, values(expected.get('logits').data));

    const data = batches({ pixelValues, labels }, { batchSize: 3, shuffle: false });
    const { loss } = await evaluate(model, { data, loss: classification() });
    expectValues('ViT: outputs and losses', [loss], values(expected.get('loss').data));
    logits.dispose();
    model.weights.dispose();
  });

  test.each(['vit', 'vit-uneven'])('%s: a step of LoRA moves every factor by the gradient of PEFT', async (name) => {
    const model = await loadPretrained(fixture(name));
    const expected = await golden(name);
    // Far enough that the factors' own rounding is small beside the step.
    const rate = 64;
    const losses: number[] = [];
    const run = fineTune(model, {
      strategy: givenFactors(expected),
      targets: model.targets.map(({ path }) => path),
      loss: classification(),
      data: batches({ pixelValues: expected.get('pixelValues'), labels: expected.get('labels') }, { batchSize: 4 }),
      steps: 1,
      optimizer: sgd(),
      schedule: rate,
      progress: false,
      onWarning: () => {},
      onEvent: (event) => event.type === 'step' && losses.push(event.loss),
    });
    const { adapter, dispose } = await run.result;
    expectValues('ViT: outputs and losses', losses, values(expected.get('adapted.loss').data));

    const keys = expected.keys.filter((key) => key.startsWith('factor/')).map((key) => key.slice('factor/'.length));
    expect(keys).toHaveLength(2 * model.targets.length);
    for (const key of keys) {
      const [path, factor] = key.split('/') as [string, 'a' | 'b'];
      const after = (adapter.adapter.params as Record<string, Record<'a' | 'b', tf.Tensor>>)[path]?.[factor];
      const before = values(expected.get(`factor/${key}`).data);
      const moved = Array.from(after?.dataSync() ?? [], (value, index) => ((before[index] ?? 0) - value) / rate);
      expectValues('ViT: LoRA gradients', moved, values(expected.get(`gradient/${key}`).data));
    }
    dispose();
    model.weights.dispose();
  });
});

function values(data: ArrayLike<number | bigint>): ArrayLike<number> {
  return data as ArrayLike<number>;
}
