import { parseArgs } from 'node:util';
import { PeftError } from '@peft/core';
import { type EngineName, engineNames } from './engines.ts';
import { type Method, methods } from './methods.ts';

export type QuickstartOptions = {
  readonly methods: readonly Method[];
  readonly seeds: number;
  readonly steps: number;
  readonly out: string;
  readonly engine: EngineName;
  readonly backend: 'wasm' | 'cpu';
};

export const help = `Adapts a small vision transformer, pretrained on the digits 0 to 4, to the digits 5 to 9.

  npm start -- [options]

  --full            600 steps and 10 seeds a method
  --seeds N         seeds a method (default 1)
  --steps N         optimizer steps a run (default 250)
  --methods A,B     some of: ${methods.map(({ name }) => name).join(', ')}
  --out DIR         where results go (default out)
  --engine NAME     onnx (default): steps compiled for ONNX Runtime; cuda: for an NVIDIA GPU; eager: TensorFlow.js alone
  --backend NAME    of TensorFlow.js: wasm (default) or cpu, its plain JavaScript
  --help            this text
`;

/** The command line's options; undefined when it asks for help. */
export function parseOptions(args: readonly string[]): QuickstartOptions | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const names = values.methods?.split(',') ?? methods.map(({ name }) => name);
  const unknown = names.filter((name) => !methods.some((method) => method.name === name));
  if (unknown.length > 0) {
    throw wrong(
      `--methods: there is no method ${unknown.map((name) => `"${name}"`).join(', ')}; choose from ${methods.map(({ name }) => name).join(', ')}.`,
    );
  }
  const backend = values.backend ?? 'wasm';
  if (backend !== 'wasm' && backend !== 'cpu') throw wrong(`--backend: "${backend}" is neither wasm nor cpu.`);
  const engine = engineNames.find((name) => name === (values.engine ?? 'onnx'));
  if (!engine) throw wrong(`--engine: "${values.engine}" is none of ${engineNames.join(', ')}.`);
  return {
    methods: methods.filter(({ name }) => names.includes(name)),
    seeds: count('--seeds', values.seeds ?? (values.full ? '10' : '1')),
    steps: count('--steps', values.steps ?? (values.full ? '600' : '250')),
    out: values.out ?? 'out',
    engine,
    backend,
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    const options = {
      full: flag,
      help: flag,
      seeds: text,
      steps: text,
      methods: text,
      out: text,
      engine: text,
      backend: text,
    };
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw wrong(`${(error as Error).message} --help lists the options.`);
  }
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw wrong(`${name}: "${text}" is not a whole number above 0.`);
  return value;
}

function wrong(message: string): PeftError {
  return new PeftError('quickstart/options', message);
}
