import { existsSync, readFileSync } from 'node:fs';
import { PeftError } from '@peft/core';
import { replaceFile } from '../report/replaceFile.ts';
import type { Figures, Measure, StepRow } from './stepRow.ts';

/** Reads what a command wrote with --json; throws `bench/file` for anything else. */
export function readFigures(file: string): Figures {
  if (!existsSync(file)) throw new PeftError('bench/file', `${file} does not exist; pnpm bench writes it with --json.`);
  try {
    const { rows = [], measures = [] } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Figures>;
    if (Array.isArray(rows) && Array.isArray(measures)) return { rows, measures };
  } catch {
    // Said below.
  }
  throw new PeftError('bench/file', `${file} holds no figures of pnpm bench ({ "rows": [...], "measures": [...] }).`);
}

export function writeFigures(file: string, { rows, measures }: Figures): void {
  replaceFile(file, `${JSON.stringify({ rows, measures }, null, 2)}\n`);
}

/** All figures together; of the same thing measured twice, the later. */
export function mergeFigures(all: readonly Figures[]): Figures {
  const rows = new Map<string, StepRow>();
  const measures = new Map<string, Measure>();
  for (const figures of all) {
    for (const row of figures.rows) rows.set(keyOf(row), row);
    for (const measure of figures.measures) measures.set(`${measure.id} ${measure.model} ${measure.engine}`, measure);
  }
  return { rows: [...rows.values()], measures: [...measures.values()] };
}

function keyOf({ model, method, engine, batch, seq, rank, dropout, targets }: StepRow): string {
  return JSON.stringify([model, method, engine, batch, seq, rank, dropout, targets]);
}
