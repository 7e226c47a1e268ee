import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { disposeAdapter, leavesOf, type TrainedAdapter } from '@peft/core';
import { loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { adapterFiles, loraPair, refusal } from '../testing/adapterFiles.ts';
import { fixtureModel } from '../testing/fixtureModel.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { listAdapters } from './listAdapters.ts';
import { loadAdapter } from './loadAdapter.ts';
import { saveAdapter } from './saveAdapter.ts';

const formats = [loraFileFormat];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const files = (rank: number) =>
  adapterFiles({ peft_type: 'LORA', r: rank, target_modules: ['head'] }, loraPair('head', [6, 3], rank));

async function adapterOf(rank: number): Promise<TrainedAdapter> {
  return loadAdapter(files(rank), await fixtureModel(), { formats });
}

async function rankIn(folder: string, adapter?: string): Promise<number> {
  const trained = await loadAdapter(folder, await fixtureModel(), { formats, ...(adapter && { adapter }) });
  const [, leaf] = leavesOf(trained.adapter.params)[0] as [string, tf.Tensor];
  const rank = leaf.shape[1] as number;
  disposeAdapter(trained);
  return rank;
}

it('writes the layout of several adapters as Python does, and lists and reads each', () =>
  withTemporaryFolder(async (parent) => {
    const folder = join(parent, 'adapters');
    const named: readonly (readonly [string | undefined, number])[] = [
      ['tickets', 3],
      [undefined, 1],
      ['billing.v2', 2],
    ];
    for (const [adapter, rank] of named) {
      const trained = await adapterOf(rank);
      await saveAdapter(trained, folder, adapter === undefined ? {} : { adapter });
      disposeAdapter(trained);
    }
    expect((await readdir(folder, { recursive: true })).sort()).toEqual([
      'adapter_config.json',
      'adapter_model.safetensors',
      'billing.v2',
      'billing.v2/adapter_config.json',
      'billing.v2/adapter_model.safetensors',
      'tickets',
      'tickets/adapter_config.json',
      'tickets/adapter_model.safetensors',
    ]);
    await mkdir(join(folder, 'notes'));
    await writeFile(join(folder, 'file'), '');
    expect(await listAdapters(folder)).toEqual(['default', 'billing.v2', 'tickets']);
    expect(await rankIn(folder)).toBe(1);
    expect(await rankIn(folder, 'default')).toBe(1);
    expect(await rankIn(folder, 'tickets')).toBe(3);
    expect(await rankIn(folder, 'billing.v2')).toBe(2);
    const again = await adapterOf(4);
    await saveAdapter(again, folder, { adapter: 'default' });
    disposeAdapter(again);
    expect(await rankIn(folder)).toBe(4);
    expect(JSON.parse(await readFile(join(folder, 'tickets/adapter_config.json'), 'utf8')).r).toBe(3);
  }));

it('lists what is there: nothing, in files of a browser too', async () => {
  const only = Object.fromEntries(Object.entries(files(2)).map(([name, bytes]) => [`b/${name}`, bytes]));
  expect(await listAdapters({ ...files(1), ...only, 'a/b/adapter_config.json': new Uint8Array() })).toEqual([
    'default',
    'b',
  ]);
  expect(await listAdapters({})).toEqual([]);
  expect(await listAdapters('no-such-folder')).toEqual([]);
  expect(await refusal(listAdapters(3 as never))).toMatchInlineSnapshot(
    `"checkpoint/options: listAdapters: the folder is 3; pass its path, or its files as an object of Blobs by name."`,
  );
});

it('names the adapters of a folder that has none by itself', async () => {
  const only = Object.fromEntries(Object.entries(files(2)).map(([name, bytes]) => [`tickets/${name}`, bytes]));
  const model = await fixtureModel();
  expect(await refusal(loadAdapter(only, model, { formats }))).toMatchInlineSnapshot(`
    "checkpoint/missing-file: the given files: there is no adapter_config.json; pass one of the folder's adapters in the option "adapter":
      "tickets""
  `);
  const trained = await loadAdapter(only, model, { formats, adapter: 'tickets' });
  expect(trained.targets.map(({ path }) => path)).toEqual(['head']);
  disposeAdapter(trained);
});

it('says that weights in several files have to be joined', async () => {
  const { 'adapter_config.json': config } = files(1);
  const parts = { 'adapter_config.json': config, 'model.safetensors.index.json': new Uint8Array() };
  expect(await refusal(loadAdapter(parts, await fixtureModel(), { formats }))).toMatchInlineSnapshot(
    `"checkpoint/missing-file: the given files: the weights are in several files (model.safetensors.index.json lists them), and Python PEFT reads only adapter_model.safetensors; join them into this one."`,
  );
});
