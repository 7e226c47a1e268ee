import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PeftError } from '@peft/core';
import { type CudaRuns, cudaMarkdown } from '../cuda/cudaMarkdown.ts';
import type { CudaFindings } from '../cuda/runCuda.ts';
import { replaceFile } from '../report/replaceFile.ts';
import type { Command } from './command.ts';
import { docs } from './pageCommand.ts';

export const cudaCommand: Command = {
  title: 'writes docs/cuda.md from what benchmarks/cuda/run found',
  help: `Takes files that benchmarks/cuda/run (a GPU) or benchmarks/src/cudaSimulated.ts (a simulated one) wrote with --out
into docs/cuda.json, each in place of the last of its kind, and writes docs/cuda.md again.

  pnpm bench cuda [FILE...]`,
  async run(files) {
    const file = join(docs, 'cuda.json');
    const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as CudaRuns) : {};
    const added = files.map(readFindings).map((run) => [kindOf(run), run] as const);
    const runs: CudaRuns = { ...known, ...Object.fromEntries(added) };
    replaceFile(file, `${JSON.stringify(runs, null, 1)}\n`);
    replaceFile(join(docs, 'cuda.md'), cudaMarkdown(runs));
    return 0;
  },
};

function kindOf({ engine }: CudaFindings): keyof CudaRuns {
  return (engine as { readonly name: string }).name === 'simulated device' ? 'simulated' : 'device';
}

function readFindings(file: string): CudaFindings {
  try {
    const findings = JSON.parse(readFileSync(file, 'utf8')) as CudaFindings;
    if (typeof findings.sections === 'object' && typeof findings.engine === 'object') return findings;
  } catch (cause) {
    throw new PeftError('bench/cuda', `${file} cannot be read: ${(cause as Error).message}.`, { cause });
  }
  throw new PeftError('bench/cuda', `${file} holds no findings; write it with benchmarks/cuda/run --out ${file}.`);
}
