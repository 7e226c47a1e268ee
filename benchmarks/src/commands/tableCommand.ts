import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writePage } from '../page/writePage.ts';
import { readFigures } from '../step/figuresFile.ts';
import type { Command } from './command.ts';
import { docs } from './pageCommand.ts';

/** A command of the table, with the minutes after which it is given up. */
export type TableEntry = { readonly command: string; readonly minutes: number };

const everyTorch = 'torch-fp32,torch-bf16,torch-compile,torch-compile-bf16';

/** What docs/step.md shows: main rows at dropout 0 and one at 0.1, then the other measures. */
export const tableEntries: readonly TableEntry[] = [
  { command: `step --model bert-base --batch 8 --seq 128 --against ${everyTorch},wasm --rounds 6`, minutes: 12 },
  { command: `step --model gpt2 --batch 4 --seq 128 --against ${everyTorch} --rounds 10`, minutes: 10 },
  { command: 'step --model minilm --batch 32 --seq 64 --against torch-fp32,torch-bf16 --rounds 12', minutes: 5 },
  { command: 'step --model opt-1.3b --batch 2 --seq 128 --against torch-fp32 --rounds 5', minutes: 10 },
  { command: 'step --model bert-base --batch 8 --seq 128 --dropout 0.1 --against torch-fp32 --rounds 6', minutes: 5 },
  {
    command:
      'step --model bert-base --batch 8 --seq 128 --method adalora --targets all-linear --against torch-fp32 --rounds 6',
    minutes: 6,
  },
  { command: 'ratio adalora --rounds 10', minutes: 5 },
  { command: 'knot', minutes: 5 },
  { command: 'compile', minutes: 3 },
  { command: 'eventloop', minutes: 3 },
  { command: 'flat', minutes: 5 },
];

const folder = fileURLToPath(new URL('../out/table', import.meta.url));
const program = fileURLToPath(new URL('./bench.js', import.meta.url));

export const tableCommand: Command = {
  title: 'all rows and measures of docs/step.md, about 25 minutes',
  help: `Measures every row of docs/step.md, one after another, each with its time limit; what fails is reported and left out.

  pnpm bench table [--only 1,4] [--accept-busy] [--idle-timeout S] [--list]`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        list: { type: 'boolean' },
        'accept-busy': { type: 'boolean' },
        'idle-timeout': { type: 'string' },
      },
    });
    if (values.list) {
      for (const [index, { command }] of tableEntries.entries()) console.log(`${index + 1}  pnpm bench ${command}`);
      return 0;
    }
    const shared = [
      ...(values['accept-busy'] ? ['--accept-busy'] : []),
      ...(values['idle-timeout'] ? ['--idle-timeout', values['idle-timeout']] : []),
    ];
    const wanted = values.only?.split(',').map((place) => Number(place) - 1);
    mkdirSync(folder, { recursive: true });
    const failed: string[] = [];
    for (const [index, entry] of tableEntries.entries()) {
      if (wanted && !wanted.includes(index)) continue;
      const file = join(folder, `${index + 1}.json`);
      rmSync(file, { force: true });
      console.log(`\n${index + 1}/${tableEntries.length}  pnpm bench ${entry.command}`);
      const problem = await runEntry(entry, [...shared, '--json', file]);
      if (problem) failed.push(`pnpm bench ${entry.command}: ${problem}`);
      if (existsSync(file)) writePage(docs, [readFigures(file)]);
    }
    console.log(`\n${failed.length === 0 ? 'all measured' : `failed:\n${failed.join('\n')}`}`);
    return failed.length === 0 ? 0 : 1;
  },
};

/** Runs a command in a process of its own; resolves to what went wrong, if anything. */
function runEntry({ command, minutes }: TableEntry, more: readonly string[]): Promise<string | undefined> {
  const child = spawn(process.execPath, [program, ...command.split(' '), ...more], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill('SIGTERM');
      resolve(`it took longer than ${minutes} minutes`);
    }, minutes * 60_000);
    child.on('error', (error) => resolve(error.message));
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve(status === 0 ? undefined : `status ${status}`);
    });
  });
}
