import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sampleRow } from '../../test/sampleRow.ts';
import { readFigures, writeFigures } from './figuresFile.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'figures-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('figures come back from their file as they were', () => {
  const figures = { rows: [sampleRow()], measures: [] };
  writeFigures(join(folder, 'a.json'), figures);
  expect(readFigures(join(folder, 'a.json'))).toEqual(figures);
});

test('what is no file of figures is refused', () => {
  const file = join(folder, 'b.json');
  expect(() => readFigures(file)).toThrow(`${file} does not exist; pnpm bench writes it with --json.`);
  for (const text of ['not json', '{"rows": 1}', 'null']) {
    writeFileSync(file, text);
    expect(() => readFigures(file)).toThrow(
      `${file} holds no figures of pnpm bench ({ "rows": [...], "measures": [...] }).`,
    );
  }
});
