import {
  type AnyModel,
  fromTensor,
  type HostArray,
  PeftError,
  sameValues,
  type Target,
  type TokenTable,
  type TrainedAdapter,
  tiedHeads,
} from '@peft/core';
import { problemList, quoted } from '../problemList.ts';
import type { SafetensorsFile } from '../safetensors/openSafetensors.ts';
import { requireNone } from './checkConfig.ts';
import type { ExpectedTensor } from './expectTensors.ts';
import type { ModuleNames } from './moduleNames.ts';
import { isSavedWhole, namePrefix } from './parameterName.ts';
import { tokenTables } from './tokenTables.ts';

type LoadContext = {
  readonly model: AnyModel;
  readonly names: ModuleNames;
  readonly targets: readonly Target[];
  readonly modulesToSave: readonly string[];
};

/** Where a module's trained rows stand in a file, after its name. They are rows to put in place, not differences. */
export const rowsKey = '.token_adapter.trainable_tokens_delta';

/** What stands between such a module and what is its own. */
const inRows = '.token_adapter.base_layer';

/** The tables that a configuration trains rows of. Throws `checkpoint/adapter-config` with all that is wrong with it. */
export function readTables(
  what: string,
  indices: unknown,
  { model, names, targets, modulesToSave }: LoadContext,
): ReadonlyMap<string, { readonly ids: readonly number[]; readonly heads: readonly string[] }> {
  const headsOf = (table: string) => tiedHeads(model, table);
  const { tables, problems } = tokenTables(indices, {
    modules: model.targets,
    inputEmbedding: model.inputEmbedding,
    names,
    headsOf,
  });
  const rivals = [...tables.keys()].flatMap((table) => {
    const isAdapted = targets.some(({ path }) => path === table);
    const whole = [table, ...headsOf(table)].filter((path) => isSavedWhole(`${path}.weight`, modulesToSave));
    return [
      ...(isAdapted
        ? [
            `trainable_token_indices names rows of ${quoted(table)}, which has an adapter too; Python refuses both on one module`,
          ]
        : []),
      ...whole.map(
        (path) =>
          `trainable_token_indices names rows of ${quoted(table)}, and modules_to_save trains ${quoted(path)} whole`,
      ),
    ];
  });
  requireNone(what, [...problems, ...rivals]);
  return new Map([...tables].map(([table, ids]) => [table, { ids, heads: headsOf(table) }]));
}

/** The rows' tensors, by their names in the file. */
export function expectRows(
  tables: ReadonlyMap<string, { readonly ids: readonly number[] }>,
  { model, names }: Pick<LoadContext, 'model' | 'names'>,
): ReadonlyMap<string, ExpectedTensor> {
  return new Map(
    [...tables].map(([table, { ids }]): [string, ExpectedTensor] => {
      const shape = [ids.length, ...model.weights.get(`${table}.weight`).shape.slice(1)];
      return [`${namePrefix}${names.module(table)}${rowsKey}`, { shape, axes: 'same', goesTo: { table } }];
    }),
  );
}

/** Whether a tensor repeats the rows of another module, as save_embedding_layers makes Python write those of a tied head. */
export async function isCopyOfRows(
  key: string,
  { tensors }: Pick<SafetensorsFile, 'tensors'>,
  expected: ReadonlyMap<string, ExpectedTensor>,
): Promise<boolean> {
  const copy = key.endsWith(rowsKey) ? tensors.get(key) : undefined;
  for (const [name, { goesTo }] of copy ? expected : []) {
    const rows = 'table' in goesTo ? tensors.get(name) : undefined;
    if (!copy || !rows || copy.dtype !== rows.dtype || `${copy.shape}` !== `${rows.shape}`) continue;
    if (sameValues(await copy.read(), await rows.read())) return true;
  }
  return false;
}

/** The rows' tensors of an adapter, by their names in the file. */
export async function rowTensorsIn(
  { tokenRows }: TrainedAdapter,
  names: ModuleNames,
): Promise<readonly (readonly [name: string, rows: HostArray])[]> {
  const read = Object.entries(tokenRows).map(
    async ([table, { rows }]) => [`${namePrefix}${names.module(table)}${rowsKey}`, await fromTensor(rows)] as const,
  );
  return Promise.all(read);
}

/** Parameters by their names in a file, where heads that show trained rows have these wrapped around their bias too. */
export function underRows<Value>(
  named: Iterable<readonly [name: string, value: Value]>,
  tables: Iterable<Pick<TokenTable, 'heads'>>,
  names: ModuleNames,
): readonly (readonly [name: string, value: Value])[] {
  const heads = [...tables].flatMap((table) => table.heads.map((head) => namePrefix + names.module(head)));
  const renamed = new Map(
    heads.flatMap((head) =>
      ['', '.base_layer'].map((adapted) => [`${head}${adapted}.bias`, `${head}${adapted}${inRows}.bias`]),
    ),
  );
  return [...named].map(([name, value]) => [renamed.get(name) ?? name, value] as const);
}

/**
 * What a configuration says of trained rows, by the whole names of their tables. Throws `checkpoint/token-rows` where
 * Python would take another module for the table, since it looks for names that end alike.
 */
export function tokenIndicesOf({ tokenRows, modules }: TrainedAdapter, names: ModuleNames) {
  const tables = Object.entries(tokenRows);
  if (tables.length === 0) return {};
  const problems = tables.flatMap(([table, { ids }]) =>
    modules
      .filter(({ path }) => path !== table && names.module(path).endsWith(names.module(table)))
      .filter(({ path }) => `${tokenRows[path]?.ids}` !== `${ids}`)
      .map(({ path }) => `${quoted(names.module(path))} ends in ${quoted(names.module(table))}`),
  );
  if (problems.length > 0) {
    throw new PeftError(
      'checkpoint/token-rows',
      `Python PEFT would look in this folder for rows of modules that were not trained, since it takes every module whose name ends in that of the table; give the modules other names, or write the merged model with mergeAdapter and saveModel:${problemList(problems)}`,
    );
  }
  return { trainableTokenIndices: Object.fromEntries(tables.map(([table, { ids }]) => [names.module(table), ids])) };
}

/** Whether trainable_token_indices, as a file had it, means the rows that the adapter has. */
export function sameTables(
  indices: unknown,
  { tokenRows, modules, inputEmbedding }: TrainedAdapter,
  names: ModuleNames,
): boolean {
  const headsOf = (table: string) => tokenRows[table]?.heads ?? [];
  const { tables, problems } = tokenTables(indices, { modules, inputEmbedding, names, headsOf });
  return (
    problems.length === 0 &&
    tables.size === Object.keys(tokenRows).length &&
    [...tables].every(([table, ids]) => `${tokenRows[table]?.ids}` === `${ids}`)
  );
}
