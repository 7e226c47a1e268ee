import { adalora } from '@peft/adalora';
import { type BiasMode, disposeAdapter, type TrainedAdapter } from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { openSafetensors } from '../safetensors/openSafetensors.ts';
import { fixtureModel } from '../testing/fixtureModel.ts';
import { relativeDistance } from '../testing/relativeDistance.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { fixtureOutput, trainFixture } from '../testing/trainFixture.ts';
import { loadAdapter } from './loadAdapter.ts';
import { saveAdapter } from './saveAdapter.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Of two targets one is left with a rank, the other with none. */
async function trainedWith(bias: BiasMode): Promise<TrainedAdapter> {
  const strategy = adalora({ initRank: 2, targetBudget: 1, warmupSteps: 1, finalSteps: 3 });
  const adapter = await trainFixture({ strategy, bias });
  expect(adapter.targets.filter(({ path }) => Object.hasOwn(adapter.adapter.params, path))).toHaveLength(1);
  return adapter;
}

it.each(['all', 'adapted'] as const)('a target of rank 0 whose bias is trained (%s) stays adapted, by zeros', (bias) =>
  withTemporaryFolder(async (folder) => {
    const trained = await trainedWith(bias);
    await saveAdapter(trained, folder, { as: 'lora' });
    const { tensors } = await openSafetensors(`${folder}/adapter_model.safetensors`);
    for (const layer of [0, 1]) {
      // Python finds the bias there only if the layer is adapted.
      const path = `base_model.model.layer.${layer}.query`;
      expect(tensors.get(`${path}.base_layer.bias`)?.shape).toEqual([6]);
      expect(tensors.get(`${path}.lora_A.weight`)?.shape).toEqual([1, 6]);
    }
    const loaded = await loadAdapter(folder, await fixtureModel(), { formats: [loraFileFormat] });
    expect(relativeDistance(await fixtureOutput(loaded), await fixtureOutput(trained))).toBeLessThan(1e-6);
    disposeAdapter(loaded);
    disposeAdapter(trained);
  }),
);

it('a target of rank 0 whose bias is not trained is left out', () =>
  withTemporaryFolder(async (folder) => {
    const trained = await trainedWith('none');
    await saveAdapter(trained, folder, { as: 'lora' });
    const { tensors } = await openSafetensors(`${folder}/adapter_model.safetensors`);
    expect(tensors.size).toBe(2);
    disposeAdapter(trained);
  }));
