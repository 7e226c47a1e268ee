import { rowTensors, type TrainedAdapter, tensorsOf } from '@peft/core';
import { isRecord } from '../parseJson.ts';
import { adapterNameProblem } from './adapterName.ts';
import { sayValue, valueProblems } from './fieldValue.ts';
import { loraFields } from './loraFields.ts';
import { requireArguments, unknownOptions } from './requireArguments.ts';
import type { SaveAdapterOptions } from './saveAdapter.ts';

const known: Readonly<Record<keyof SaveAdapterOptions, true>> = {
  as: true,
  adapter: true,
  dtype: true,
  base: true,
  revision: true,
  taskType: true,
  autoMapping: true,
  moduleNames: true,
  fileSystem: true,
};

const choices = { as: ['lora'], dtype: ['float32', 'float16', 'bfloat16'], moduleNames: ['python', 'file'] } as const;

const stored = {
  base: loraFields.base_model_name_or_path,
  revision: loraFields.revision,
  taskType: loraFields.task_type,
  autoMapping: loraFields.auto_mapping,
} as const;

/** Refuses a call of `saveAdapter` that the types would not allow (`checkpoint/options`). */
export function checkSaveCall(trained: TrainedAdapter, folder: string, options: SaveAdapterOptions): void {
  const given: Readonly<Record<string, unknown>> = isRecord(options) ? options : {};
  requireArguments('saveAdapter', [
    adapterProblem(trained),
    (typeof folder !== 'string' || folder === '') && `the folder is ${sayValue(folder)}; pass its path`,
    !isRecord(options) && `the options are ${sayValue(options)}; pass a record, or leave them out`,
    unknownOptions(given, Object.keys(known)),
    ...Object.entries(choices).map(
      ([name, words]) =>
        given[name] !== undefined &&
        !(words as readonly unknown[]).includes(given[name]) &&
        `${name} is ${sayValue(given[name])}; pass ${words.map((word) => `"${word}"`).join(' or ')}, or leave it out`,
    ),
    adapterNameProblem(given.adapter),
    ...Object.entries(stored).flatMap(([name, { value }]) =>
      given[name] === undefined ? [] : valueProblems(value, name, given[name]),
    ),
  ]);
}

function adapterProblem(trained: unknown): string | undefined {
  if (!isTrained(trained)) {
    const given: Readonly<Record<string, unknown>> = isRecord(trained) ? trained : {};
    if (typeof given.then === 'function') return 'the adapter is a promise; await it first';
    if (isTrained(given.adapter)) return 'the adapter is in the field "adapter" of what was passed; pass that';
    return 'the adapter is none; pass what fineTune or loadAdapter gave, as (await run.result).adapter';
  }
  const { adapter, trained: whole, tokenRows } = trained;
  const own = { params: adapter.params, state: adapter.state, whole, rows: rowTensors(tokenRows ?? {}) };
  const gone = tensorsOf(own).filter((tensor) => tensor.isDisposed).length;
  return gone === 0
    ? undefined
    : `the adapter has ${gone} tensors that were disposed of; save it before they are freed`;
}

function isTrained(trained: unknown): trained is TrainedAdapter {
  return (
    isRecord(trained) &&
    isRecord(trained.strategy) &&
    isRecord(trained.adapter) &&
    isRecord(trained.trained) &&
    [trained.targets, trained.modules, trained.finished].every(Array.isArray)
  );
}
