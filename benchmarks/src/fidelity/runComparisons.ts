import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PeftError } from '@peft/core';
import type { ParityRow, TrapRow } from './fidelity.ts';
import { parityRows } from './parityRows.ts';
import { type TestReport, trapRows } from './trapRows.ts';

/** Tests that compare with Python: those made from its files, and those named after its bugs. */
const compared = /(\.golden|pythonTraps)\.test\.ts$/;

/** Runs those tests in every package of the repository; throws `bench/tests` if one of them fails. */
export async function runComparisons(
  root: string,
  say: (line: string) => void,
): Promise<{ readonly parity: readonly ParityRow[]; readonly traps: readonly TrapRow[] }> {
  const notes = mkdtempSync(join(tmpdir(), 'fidelity-'));
  const parity: ParityRow[] = [];
  const traps: TrapRow[] = [];
  try {
    for (const suite of readdirSync(join(root, 'packages')).sort()) {
      const folder = join(root, 'packages', suite);
      const files = filesOf(folder);
      if (files.length === 0) continue;
      const [log, report] = [join(notes, `${suite}.log`), join(notes, `${suite}.json`)];
      await runVitest(root, { folder, files, log, report });
      const known = existsSync(log) ? parityRows(suite, readFileSync(log, 'utf8')) : [];
      const named = trapRows(suite, JSON.parse(readFileSync(report, 'utf8')) as TestReport);
      say(`${suite.padEnd(16)}${String(known.length).padStart(4)} subjects ${String(named.length).padStart(4)} bugs`);
      parity.push(...known);
      traps.push(...named);
    }
  } finally {
    rmSync(notes, { recursive: true, force: true });
  }
  return { parity, traps };
}

function filesOf(folder: string): readonly string[] {
  return ['src', 'test']
    .filter((part) => existsSync(join(folder, part)))
    .flatMap((part) => readdirSync(join(folder, part), { recursive: true }).map((file) => `${part}/${file}`))
    .filter((file) => compared.test(file))
    .sort();
}

async function runVitest(
  root: string,
  call: { readonly folder: string; readonly files: readonly string[]; readonly log: string; readonly report: string },
): Promise<void> {
  const args = ['run', '--reporter=json', `--outputFile.json=${call.report}`, ...call.files];
  const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...args], {
    cwd: call.folder,
    env: { ...process.env, PARITY_LOG: call.log, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const status = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', resolve);
  });
  if (status === 0) return;
  throw new PeftError(
    'bench/tests',
    `the comparisons in ${call.folder} fail (${status}), and a page of them would be wrong; mend them first:\n${output.slice(-4000)}`,
  );
}
