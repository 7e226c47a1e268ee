import { parseArgs } from 'node:util';
import { PeftError } from '@peft/core';

export const sectionNames = ['operations', 'curves', 'resume', 'memory', 'host', 'times'] as const;
export type SectionName = (typeof sectionNames)[number];

export interface CudaOptions {
  readonly engine: 'cuda' | 'onnx';
  readonly only: readonly SectionName[];
  readonly isSmall: boolean;
  readonly seconds: number;
  readonly out: string | undefined;
  readonly python: string | undefined;
}

export const cudaHelp = `Checks and times the CUDA engine on this machine's GPU and writes what it found as JSON.

  benchmarks/cuda/run --out cuda.json --python python3

  --out FILE       where the findings go, written anew after each (none: to the terminal at the end)
  --only A,B       ${sectionNames.join(', ')} (all)
  --python NAME    a Python with torch, transformers and peft, to be timed beside (none)
  --minutes N      what there is no time for is left out, and said (9.5)
  --small          sizes that a processor can run: figures of time then mean nothing
  --engine NAME    cuda, or onnx to try the script where there is no GPU (cuda)
`;

/** @throws PeftError `bench/options` with everything that is wrong */
export function cudaOptions(args: readonly string[]): CudaOptions {
  const problems: string[] = [];
  const values = parse(args);
  const only = values.only?.split(',') ?? sectionNames;
  for (const name of only) {
    if (!(sectionNames as readonly string[]).includes(name)) {
      problems.push(`--only names "${name}"; there are ${sectionNames.join(', ')}`);
    }
  }
  const minutes = Number(values.minutes ?? 9.5);
  if (!(minutes > 0)) problems.push(`--minutes is "${values.minutes}"; it is a number above 0`);
  const engine = values.engine ?? 'cuda';
  if (engine !== 'cuda' && engine !== 'onnx') problems.push(`--engine is "${engine}"; it is cuda or onnx`);
  if (problems.length > 0) throw new PeftError('bench/options', `${problems.join('; ')}.`);
  return {
    engine: engine as CudaOptions['engine'],
    only: only as readonly SectionName[],
    isSmall: values.small ?? false,
    seconds: 60 * minutes,
    out: values.out,
    python: values.python,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        out: { type: 'string' },
        only: { type: 'string' },
        python: { type: 'string' },
        minutes: { type: 'string' },
        small: { type: 'boolean' },
        engine: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new PeftError('bench/options', `${(error as Error).message}\n\n${cudaHelp}`);
  }
}
