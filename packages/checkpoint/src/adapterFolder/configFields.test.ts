import { readFile } from 'node:fs/promises';
import { expect, it, test } from 'vitest';
import python from '../__fixtures__/configFields.json' with { type: 'json' };
import { adaloraFields } from './adaloraFields.ts';
import { type ConfigField, sayFate } from './configField.ts';
import { valueProblems } from './fieldValue.ts';
import { loraFields, pythonPeftVersion } from './loraFields.ts';
import { taskTypes } from './taskType.ts';

const methods = [
  ['LORA', loraFields],
  ['ADALORA', adaloraFields],
] as const;

test.each(methods)("%s has Python PEFT's fields with its defaults, which its own checks accept", (name, fields) => {
  const defaults = Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field.default]));
  expect(defaults).toEqual(python[name]);
  for (const [key, field] of Object.entries<ConfigField>(fields)) {
    expect(valueProblems(field.value, key, field.default)).toEqual([]);
    expect(field.refuses?.(field.default), key).toBe(undefined);
  }
});

it('names the tasks of the PEFT whose files these are', () => {
  expect([...taskTypes].sort()).toEqual([...python.taskTypes].sort());
  expect(pythonPeftVersion).toBe(python.versions.peft);
});

/** Fields of one fate in a row, in the order of the fates. */
function tableOf(fields: Readonly<Record<string, ConfigField>>): readonly string[] {
  const fates = ['option', 'kept', 'refused', 'computed'];
  const rows = new Map<string, string[]>();
  for (const [key, field] of Object.entries(fields).sort(
    ([, left], [, right]) => fates.indexOf(left.fate) - fates.indexOf(right.fate),
  )) {
    const fate = sayFate(field);
    rows.set(fate, [...(rows.get(fate) ?? []), `\`${key}\``]);
  }
  return [...rows].map(([fate, keys]) => `| ${keys.join(', ')} | ${fate} |`);
}

it('is in the README, row by row', async () => {
  const text = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  // Columns may be padded.
  const readme = text.replace(/ +\|/g, ' |').replace(/\| -+/g, '| ---');
  const others = Object.entries<ConfigField>(adaloraFields).filter(
    ([key, field]) => field !== (loraFields as Readonly<Record<string, ConfigField>>)[key] && key !== 'peft_type',
  );
  const heading = (name: string) => `| ${name} of adapter_config.json | what becomes of it |\n| --- | --- |\n`;
  const wanted = [
    heading('field') + tableOf(loraFields).join('\n'),
    heading("AdaLoRA's field") + tableOf(Object.fromEntries(others)).join('\n'),
  ];
  for (const table of wanted) expect(readme).toContain(table);
});
