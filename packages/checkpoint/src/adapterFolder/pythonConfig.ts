import { PeftError } from '@peft/core';
import { quoted } from '../problemList.ts';
import type { PythonMethod } from './pythonMethods.ts';

export type Config = Readonly<Record<string, unknown>>;

/** Settings in Python's names; those that the method has no key for are refused. */
export function toPythonConfig(config: Config, { fields, rankKeyEnd }: PythonMethod): Config {
  const keys = new Map(Object.keys(fields).map((key) => [camelCase(key), key]));
  const given = Object.entries(config).map(([name, value]): [string, unknown] => {
    const key = keys.get(name);
    if (key === undefined) {
      throw new PeftError(
        'checkpoint/config-key',
        `Python PEFT's ${fields.peft_type?.default} has no setting for ${quoted(name)}, which the file format wrote; put it elsewhere.`,
      );
    }
    return [key, key === 'rank_pattern' ? renameKeys(value, (path) => path + rankKeyEnd) : value];
  });
  return Object.fromEntries(given);
}

/** The settings of an adapter_config.json in camelCase, without those that this version of the method does not have. */
export function fromPythonConfig(python: Config, { fields, rankKeyEnd }: PythonMethod): Config {
  // A file of a run under way names its adapter too: `head.lora_E.default`.
  const pathOf = (key: string) => (key.includes(rankKeyEnd) ? key.slice(0, key.lastIndexOf(rankKeyEnd)) : key);
  const known = Object.entries(python).filter(([key]) => Object.hasOwn(fields, key));
  const renamed = known.map(([key, value]): [string, unknown] => [
    camelCase(key),
    key === 'rank_pattern' && rankKeyEnd !== '' ? renameKeys(value, pathOf) : value,
  ]);
  return Object.fromEntries(renamed);
}

/** Keys that this version of the method does not have. Python writes no runtime_config and drops the one it finds. */
export function unknownKeys(python: Config, { fields }: PythonMethod): readonly string[] {
  return Object.keys(python).filter((key) => !Object.hasOwn(fields, key) && key !== 'runtime_config');
}

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function renameKeys(value: unknown, rename: (key: string) => string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [rename(key), item]));
}
