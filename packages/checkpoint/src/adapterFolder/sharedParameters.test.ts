import { disposeAdapter, type FineTuneOptions } from '@peft/core';
import { lora, loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { openSafetensors } from '../safetensors/openSafetensors.ts';
import { fixtureModel } from '../testing/fixtureModel.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { trainFixture } from '../testing/trainFixture.ts';
import { loadAdapter } from './loadAdapter.ts';
import { saveAdapter } from './saveAdapter.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Case = {
  readonly said: string;
  readonly options: Partial<FineTuneOptions>;
  readonly alias: string;
  readonly isWritten: boolean;
};

const cases: readonly Case[] = [
  { said: 'with all biases', options: { bias: 'all' }, alias: 'shared.bias', isWritten: true },
  { said: 'with the module of both', options: { modulesToSave: ['head'] }, alias: 'head.shared.bias', isWritten: true },
  { said: 'not with one module', options: { modulesToSave: ['head'] }, alias: 'shared.bias', isWritten: false },
];

it.each(cases)('a parameter of two names in Python is written under both, $said', ({ options, alias, isWritten }) =>
  withTemporaryFolder(async (folder) => {
    const model = { ...(await fixtureModel()), aliases: { [alias]: 'head.bias' } };
    const adapter = await trainFixture({ strategy: lora({ rank: 1 }), steps: 2, ...options }, model);
    await saveAdapter(adapter, folder);
    const { tensors } = await openSafetensors(`${folder}/adapter_model.safetensors`);
    const [own, other] = ['head.bias', alias].map((name) => tensors.get(`base_model.model.${name}`));
    expect(own).toBeDefined();
    expect(other !== undefined).toBe(isWritten);
    if (other) expect(await other.read()).toEqual(await own?.read());
    const loaded = await loadAdapter(folder, model, { formats: [loraFileFormat] });
    await saveAdapter(loaded, `${folder}/again`);
    const again = await openSafetensors(`${folder}/again/adapter_model.safetensors`);
    expect([...again.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
    disposeAdapter(loaded);
    disposeAdapter(adapter);
  }),
);
