import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Fidelity, ScriptRun } from './fidelity.ts';
import { joinRuns, readFidelity, readScriptRun } from './fidelityFile.ts';
import { fidelityMarkdown } from './fidelityMarkdown.ts';
import { fidelityPicture } from './fidelityPicture.ts';
import { parityRows } from './parityRows.ts';
import { trapRows } from './trapRows.ts';
import { writeFidelity } from './writeFidelity.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fidelity-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const note = (subject: string, distance: number, tolerance: number) =>
  JSON.stringify({ subject, distance, tolerance, by: 'norm', values: 10 });
const run: ScriptRun = {
  title: 'Kill points',
  command: 'node kill.mjs',
  date: '2026-11-22',
  machine: '2 x CPU',
  columns: ['place', 'kills'],
  rows: [['save', '17']],
  notes: ['worst difference 0'],
};

test('comparisons are gathered by subject, the one nearest to its tolerance shown', () => {
  const log = [note('b', 1e-8, 1e-6), note('a', 2e-7, 1e-6), note('b', 1e-9, 1e-8), note('b', 1e-7, 1e-5)].join('\n');
  expect(parityRows('lora', `${log}\n`)).toEqual([
    { suite: 'lora', subject: 'a', comparisons: 1, values: 10, worst: 2e-7, tolerance: 1e-6, by: 'norm' },
    { suite: 'lora', subject: 'b', comparisons: 3, values: 30, worst: 1e-9, tolerance: 1e-8, by: 'norm' },
  ]);
});

test('a distance that is no number, or above a tolerance of 0, is the worst', () => {
  const nan = note('a', Number.NaN, 1);
  expect(parityRows('lora', [nan, note('a', 0.9, 1)].join('\n'))[0]?.worst).toBe(Number.POSITIVE_INFINITY);
  expect(parityRows('lora', [note('a', 0, 0), note('a', 3, 0)].join('\n'))[0]?.worst).toBe(3);
});

test('a bug is its describe, and passes where all its tests do', () => {
  const tests = (trap: string, ...statuses: readonly string[]) =>
    statuses.map((status, i) => ({ ancestorTitles: [trap], title: `here: answer ${i}`, status }));
  const assertionResults = [
    ...tests('Python PEFT: halves the scale (4.6)', 'passed', 'passed'),
    ...tests('Python PEFT: crashes (D4)', 'passed', 'failed'),
    ...tests('something else', 'passed'),
  ];
  expect(trapRows('adapters', { testResults: [{ name: 'x', assertionResults }] })).toEqual([
    { suite: 'adapters', python: 'halves the scale (4.6)', here: ['answer 0', 'answer 1'], isPassed: true },
    { suite: 'adapters', python: 'crashes (D4)', here: ['answer 0', 'answer 1'], isPassed: false },
  ]);
});

test('the page has every figure', () => {
  const fidelity: Fidelity = {
    circumstances: { command: 'pnpm bench fidelity', date: '2026-11-22', machine: '2 x CPU', versions: {} },
    parity: parityRows('lora', [note('LoRA: gradients', 2.5e-7, 1e-6), note('masks', 0, 0)].join('\n')),
    traps: [{ suite: 'adapters', python: 'halves | the scale', here: ['keeps it'], isPassed: true }],
    runs: [run],
  };
  const page = fidelityMarkdown(fidelity);
  expect(page).toContain('2 comparisons of whole tensors and tables, 20 numbers, 2 subjects.');
  expect(page).toContain('| LoRA: gradients | lora | 1 | 10 | 2.5e-7 | 1.0e-6 | relative norm |');
  expect(page).toContain('| masks | lora | 1 | 10 | 0 | 0 | relative norm |');
  expect(page).toContain('| halves \\| the scale | keeps it | adapters | passes |');
  expect(page).toContain('## Kill points\n\n`node kill.mjs`, 2 x CPU, 2026-11-22.');
  expect(page).toContain('| save | 17 |');
  expect(page).toContain('- worst difference 0');
  writeFidelity(folder, fidelity);
  expect(readFileSync(join(folder, 'fidelity.md'), 'utf8')).toBe(page);
  expect(readFidelity(join(folder, 'fidelity.json'))).toEqual(fidelity);
});

test('the picture has a dot and a line for each subject, at their powers of ten', () => {
  const picture = fidelityPicture(parityRows('lora', note('a < b', 1e-6, 1e-3)));
  // Six and nine tenths of the way from 1e-12 to 1e-2.
  expect(picture).toContain('cx="698.0"');
  expect(picture).toContain('x1="827.0" x2="827.0"');
  expect(picture).toContain('a &lt; b (lora)');
});

describe('the result of a script', () => {
  const write = (value: unknown) => {
    const file = join(folder, 'run.json');
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
    return file;
  };

  test('is read whole, and replaces the one of the same title', () => {
    expect(readScriptRun(write(run))).toEqual(run);
    const later = { ...run, date: '2026-12-01' };
    expect(joinRuns([run, { ...run, title: 'Fuzz' }], [later]).map(({ title, date }) => [title, date])).toEqual([
      ['Kill points', '2026-12-01'],
      ['Fuzz', '2026-11-22'],
    ]);
  });

  test.each([
    ['no JSON', '{'],
    ['a part', { ...run, rows: [['save']] }],
    ['numbers', { ...run, rows: [['save', 17]] }],
  ])('is refused: %s', (_, value) => {
    const file = write(value);
    expect(() => readScriptRun(file)).toThrow(
      `${file} holds no result of a script: an object with title, command, date, machine, columns, rows and notes, all text.`,
    );
  });

  test('that is not there', () => {
    expect(() => readScriptRun(join(folder, 'none.json'))).toThrow(
      'none.json does not exist; the script writes it with --out.',
    );
  });
});
