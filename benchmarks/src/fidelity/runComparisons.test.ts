import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runComparisons } from './runComparisons.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'repository-'));
  symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(root, 'node_modules'));
  mkdirSync(join(root, 'packages/lora/src'), { recursive: true });
  mkdirSync(join(root, 'packages/empty'));
});
afterEach(() => rmSync(root, { recursive: true }));

const suite = (name: string, body: string) =>
  writeFileSync(
    join(root, 'packages/lora/src', name),
    `import { appendFileSync } from 'node:fs'; import { describe, expect, test } from 'vitest'; ${body}`,
  );
const noted = JSON.stringify({ subject: 'LoRA', distance: 0.5, tolerance: 1, by: 'norm', values: 3 });

test('golden tests and those of bugs are run, no others, and their notes read', async () => {
  suite(
    'lora.golden.test.ts',
    `test('t', () => appendFileSync(process.env.PARITY_LOG, ${JSON.stringify(`${noted}\n`)}))`,
  );
  suite('pythonTraps.test.ts', "describe('Python PEFT: crashes (D4)', () => test('here: works', () => {}))");
  suite('other.test.ts', "test('t', () => expect(1).toBe(2))");
  const lines: string[] = [];
  const { parity, traps } = await runComparisons(root, (line) => lines.push(line));
  expect(parity).toEqual([
    { suite: 'lora', subject: 'LoRA', comparisons: 1, values: 3, worst: 0.5, tolerance: 1, by: 'norm' },
  ]);
  expect(traps).toEqual([{ suite: 'lora', python: 'crashes (D4)', here: ['works'], isPassed: true }]);
  expect(lines).toEqual(['lora               1 subjects    1 bugs']);
});

test('one that fails stops the page', async () => {
  suite('lora.golden.test.ts', "test('t', () => expect(1).toBe(2))");
  await expect(runComparisons(root, () => {})).rejects.toThrow(
    /^the comparisons in .*packages.lora fail \(1\), and a page of them would be wrong; mend them first:/,
  );
});
