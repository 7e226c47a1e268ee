import { existsSync, readFileSync } from 'node:fs';
import { PeftError } from '@peft/core';
import type { Fidelity, ScriptRun } from './fidelity.ts';

/** What a folder's page was last made of; nothing where there is none. */
export function readFidelity(file: string): Fidelity {
  if (!existsSync(file)) return { parity: [], traps: [], runs: [] };
  return JSON.parse(readFileSync(file, 'utf8')) as Fidelity;
}

/** The table that a script wrote with --out; throws `bench/file` for anything else. */
export function readScriptRun(file: string): ScriptRun {
  if (!existsSync(file)) throw new PeftError('bench/file', `${file} does not exist; the script writes it with --out.`);
  const run = parsed(file);
  const words = ['title', 'command', 'date', 'machine'] as const;
  const isWhole =
    words.every((key) => typeof run?.[key] === 'string') &&
    areTexts(run?.columns) &&
    areTexts(run?.notes) &&
    Array.isArray(run?.rows) &&
    run.rows.every((row) => areTexts(row) && row.length === run.columns?.length);
  if (isWhole) return run as ScriptRun;
  throw new PeftError(
    'bench/file',
    `${file} holds no result of a script: an object with title, command, date, machine, columns, rows and notes, all text.`,
  );
}

/** The runs of before with these; of the same script run twice, the later. */
export function joinRuns(known: readonly ScriptRun[], added: readonly ScriptRun[]): readonly ScriptRun[] {
  return [...new Map([...known, ...added].map((run) => [run.title, run])).values()];
}

function parsed(file: string): Partial<ScriptRun> | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<ScriptRun>;
  } catch {
    return undefined;
  }
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
