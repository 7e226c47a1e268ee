import {
  attach,
  disposeAdapter,
  type FineTuneOptions,
  type HostArray,
  hostArray,
  type TrainedAdapter,
  toFloat32,
} from '@peft/core';
import { lora, loraFileFormat } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { adapterFiles, counting, loraPair, refusal } from '../testing/adapterFiles.ts';
import { fixtureModel } from '../testing/fixtureModel.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { trainFixture } from '../testing/trainFixture.ts';
import { loadAdapter } from './loadAdapter.ts';
import { readAdapterFolder } from './readAdapterFolder.ts';
import { saveAdapter } from './saveAdapter.ts';

const rowsKey = 'base_model.model.embed.token_adapter.trainable_tokens_delta';
const base = { ...loraPair('layer.0.query', [6, 6]), ...loraPair('layer.1.query', [6, 6]) };
const config = { peft_type: 'LORA', r: 2, target_modules: ['query'] };

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const train = async (changes: Partial<FineTuneOptions>, model = fixtureModel()): Promise<TrainedAdapter> =>
  trainFixture({ strategy: lora({ rank: 2 }), steps: 2, ...changes }, await model);

type Changes = {
  readonly indices: unknown;
  readonly tensors?: Readonly<Record<string, HostArray>>;
  readonly settings?: Readonly<Record<string, unknown>>;
};

async function load(
  { indices, tensors = {}, settings = {} }: Changes,
  model = fixtureModel(),
): Promise<TrainedAdapter> {
  const files = adapterFiles({ ...config, trainable_token_indices: indices, ...settings }, { ...base, ...tensors });
  return loadAdapter(files, await model, {
    formats: [loraFileFormat],
    onWarning: (warning) => expect.unreachable(warning),
  });
}

it('reads rows by the end of their table’s name, in the order of the file', async () => {
  const adapter = await load({ indices: { bed: [5, 0] }, tensors: { [rowsKey]: counting(2, 6) } });
  expect(adapter.tokenRows.embed).toMatchObject({ ids: [5, 0], heads: [] });
  expect([...(adapter.tokenRows.embed?.rows.dataSync() ?? [])]).toEqual([...toFloat32(counting(2, 6))]);
  disposeAdapter(adapter);
});

it('reads a list as rows of the input embedding, where the model says which that is', async () => {
  const model = fixtureModel().then((each) => ({ ...each, inputEmbedding: 'embed' }));
  const adapter = await load({ indices: [5, 0], tensors: { [rowsKey]: counting(2, 6) } }, model);
  expect(Object.keys(adapter.tokenRows)).toEqual(['embed']);
  disposeAdapter(adapter);
});

it.each([null, {}])('%j stands for no rows', async (indices) => {
  const adapter = await load({ indices });
  expect(adapter.tokenRows).toEqual({});
  disposeAdapter(adapter);
});

it('knows a table that save_embedding_layers added, and the rows of a head repeated', async () => {
  const { weights } = await fixtureModel();
  const tensors = {
    [rowsKey]: counting(1, 6),
    'base_model.model.embed.token_adapter.base_layer.weight': weights.get('embed.weight'),
    'base_model.model.lm_head.token_adapter.trainable_tokens_delta': counting(1, 6),
  };
  disposeAdapter(await load({ indices: { embed: [5] }, tensors }));
  const others = {
    ...tensors,
    'base_model.model.lm_head.token_adapter.trainable_tokens_delta': hostArray([1, 2, 3, 4, 5, 6], [1, 6]),
  };
  expect(await refusal(load({ indices: { embed: [5] }, tensors: others }))).toContain(
    '\n  "base_model.model.lm_head.token_adapter.trainable_tokens_delta" belongs to nothing',
  );
});

const unusable =
  'checkpoint/adapter-config: the given files: adapter_config.json cannot be used as it is; correct it, or save the adapter again:\n  ';

it.each([
  [
    'a list that means no table',
    { indices: [5] },
    'trainable_token_indices: the model has no embedding whose name ends in "embed_tokens"',
  ],
  [
    'an unknown table',
    { indices: { wte: [5] } },
    'trainable_token_indices: the model has no embedding whose name ends in "wte"',
  ],
  [
    'a table by two names',
    { indices: { embed: [5], bed: [2] } },
    'trainable_token_indices names rows of "embed" twice',
  ],
  [
    'rows of a head',
    { indices: { head: [1] } },
    'trainable_token_indices names rows of "head", a dense layer: rows of a head apart from its table are not supported; merge the adapter in Python',
  ],
  ['no rows', { indices: { embed: [] } }, 'trainable_token_indices lists no rows of "embed"'],
  [
    'a row beyond the last',
    { indices: { embed: [7] } },
    'trainable_token_indices lists row 7 of "embed", which has 7: load a base whose vocabulary has grown as the one it was trained on',
  ],
  [
    'a row twice',
    { indices: { embed: [5, 1, 5] } },
    'trainable_token_indices lists row 5 of "embed" twice, and which of its two values counts is left open; list it once in Python',
  ],
  [
    'a table with an adapter',
    { indices: { embed: [5] }, settings: { target_modules: ['query', 'embed'] } },
    'trainable_token_indices names rows of "embed", which has an adapter too; Python refuses both on one module',
  ],
  [
    'a table trained whole',
    {
      indices: { embed: [5] },
      settings: { modules_to_save: ['embed'] },
      tensors: { 'base_model.model.embed.weight': counting(7, 6) },
    },
    'trainable_token_indices names rows of "embed", and modules_to_save trains "embed" whole',
  ],
  ['a fraction', { indices: [0.5] }, 'trainable_token_indices[0] is 0.5, and a whole number of at least 0 is expected'],
])('%s is refused', async (_, changes: Changes, problem) => {
  expect(await refusal(load(changes))).toBe(`${unusable}${problem}`);
});

it.each([
  ['missing', {}, 'is missing, and [2, 6] is expected'],
  ['misshapen', { [rowsKey]: counting(3, 6) }, 'is [3, 6], and [2, 6] is expected'],
])('rows that are %s are refused', async (_, tensors, problem) => {
  expect(await refusal(load({ indices: { embed: [5, 0] }, tensors }))).toContain(`\n  "${rowsKey}" ${problem}`);
});

it('rows without the setting belong to nothing', async () => {
  expect(await refusal(load({ indices: null, tensors: { [rowsKey]: counting(1, 6) } }))).toContain(
    `\n  "${rowsKey}" belongs to nothing`,
  );
});

it('a trained adapter is written by the whole name of its table and read again, also as one LoRA of a chain', async () => {
  const adapter = await train({ trainableTokens: { embed: [5, 0, 3] } });
  await withTemporaryFolder(async (folder) => {
    for (const [inside, options] of [
      ['own', {}],
      ['lora', { as: 'lora' }],
    ] as const) {
      await saveAdapter(adapter, `${folder}/${inside}`, options);
      const { config: written } = await readAdapterFolder(`${folder}/${inside}`);
      expect(written.trainable_token_indices).toEqual({ embed: [5, 0, 3] });
      const again = await loadAdapter(`${folder}/${inside}`, await fixtureModel(), { formats: [loraFileFormat] });
      const rows = (of: TrainedAdapter) => of.tokenRows.embed?.rows.dataSync();
      expect(rows(again)).toEqual(rows(adapter));
      const outputs = await Promise.all(
        [adapter, again].map(async (each) => {
          const attached = await attach(await fixtureModel(), each);
          const output = tf.tidy(() =>
            attached
              .apply({
                ids: tf.tensor2d(
                  [
                    [5, 0],
                    [3, 1],
                  ],
                  [2, 2],
                  'int32',
                ),
              })
              .dataSync(),
          );
          attached.dispose();
          return output;
        }),
      );
      if (inside === 'own') expect(outputs[1]).toEqual(outputs[0]);
      disposeAdapter(again);
    }
  });
  disposeAdapter(adapter);
});

it('a table whose name ends the name of another, which was not trained, is not written', async () => {
  const adapter = await train({ trainableTokens: { embed: [5] } });
  const modules = [...adapter.modules, { path: 'my_embed', kind: 'embedding', shape: [3, 6] }];
  await withTemporaryFolder(async (folder) => {
    expect(await refusal(saveAdapter({ ...adapter, modules }, folder))).toBe(
      'checkpoint/token-rows: Python PEFT would look in this folder for rows of modules that were not trained, since it takes every module whose name ends in that of the table; give the modules other names, or write the merged model with mergeAdapter and saveModel:\n  "my_embed" ends in "embed"',
    );
  });
  disposeAdapter(adapter);
});
