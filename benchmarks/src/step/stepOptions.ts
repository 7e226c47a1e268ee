import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { PeftError } from '@peft/core';
import { type EngineName, engineNames, type RivalName, rivalNames } from '../contest/contestants.ts';
import { type Assignment, fixedSettings, type Method, methods } from './assignment.ts';
import { benchedModels } from './benchedModel.ts';

export type StepOptions = {
  readonly model: string;
  readonly engine: EngineName;
  readonly against: readonly RivalName[];
  readonly rounds: number;
  readonly acceptsBusy: boolean;
  /** Seconds to wait for an idle machine. */
  readonly idleTimeout: number;
  readonly json: string | undefined;
  readonly assignment: Assignment;
};

export const stepHelp = `Measures one training step against others, in turns, in one run.

  pnpm bench step --model bert-base --method lora --batch 8 --seq 128 --engine onnx --against torch-fp32,torch-bf16 --json FILE

  --model NAME     ${Object.keys(benchedModels).join(', ')}
  --method NAME    ${methods.join(', ')} (lora)
  --batch N        examples (8)
  --seq N          tokens of each (128)
  --engine NAME    ${engineNames.join(', ')} (onnx)
  --against A,B    ${rivalNames.join(', ')} (none)
  --targets A,B    suffixes of adapted modules, or all-linear (the model's usual ones)
  --rank N         of the adapters; alpha is twice the rank (8)
  --dropout P      of the adapters' inputs, on both sides (0)
  --rounds N       measured steps of each (10)
  --threads N      of each; torch takes fewer where that is faster (all: ${availableParallelism()})
  --accept-busy    measure although the machine is not idle; the figures then say so
  --idle-timeout S seconds to wait for an idle machine (600)
  --json FILE      where the figures go
`;

const defaults = {
  method: 'lora',
  batch: '8',
  seq: '128',
  engine: 'onnx',
  against: '',
  rank: '8',
  dropout: '0',
  rounds: '10',
  threads: `${availableParallelism()}`,
  'idle-timeout': '600',
} as const;

/** The command line of `bench step`; throws `bench/options` with everything that is wrong. */
export function stepOptions(args: readonly string[]): StepOptions {
  const values = parse(args);
  const problems: string[] = [];
  const text = (name: keyof typeof defaults) => values[name] ?? defaults[name];
  const oneOf = <T extends string>(name: string, value: string | undefined, known: readonly T[]): T => {
    if (known.includes(value as T)) return value as T;
    const said = value === undefined ? 'is missing' : `is "${value}"`;
    problems.push(`--${name} ${said}; choose from ${known.join(', ')}.`);
    return known[0] as T;
  };
  const count = (name: 'batch' | 'seq' | 'rank' | 'rounds' | 'threads' | 'idle-timeout') => {
    const value = Number(text(name));
    if (Number.isInteger(value) && value >= 1) return value;
    problems.push(`--${name}: "${text(name)}" is not a whole number above 0.`);
    return 1;
  };
  const model = oneOf('model', values.model, Object.keys(benchedModels));
  const dropout = Number(text('dropout'));
  if (!(dropout >= 0 && dropout < 1)) problems.push(`--dropout: "${text('dropout')}" is not from 0 to below 1.`);
  const engine = oneOf('engine', text('engine'), engineNames);
  const against = listOf(text('against')).map((name) => oneOf('against', name, rivalNames));
  if (against.includes(engine)) problems.push(`--against names ${engine}, which is the engine itself.`);
  const rank = count('rank');
  const { architecture, config, modulesToSave, targets } = benchedModels[model] ?? raise(model);
  const options: StepOptions = {
    model,
    engine,
    against: [...new Set(against)],
    rounds: count('rounds'),
    acceptsBusy: values['accept-busy'] ?? false,
    idleTimeout: count('idle-timeout'),
    json: values.json,
    assignment: {
      architecture,
      config,
      modulesToSave,
      method: oneOf<Method>('method', text('method'), methods),
      rank,
      alpha: 2 * rank,
      dropout,
      targets: targetsOf(values.targets) ?? targets,
      batch: count('batch'),
      seq: count('seq'),
      threads: count('threads'),
      ...fixedSettings,
    },
  };
  const limit = Number(config.max_position_embeddings ?? config.n_positions);
  if (options.assignment.seq > limit) problems.push(`--seq: ${model} has positions for ${limit} tokens at most.`);
  if (problems.length > 0) throw new PeftError('bench/options', problems.join('\n'));
  return options;
}

function targetsOf(text: string | undefined): Assignment['targets'] | undefined {
  if (text === undefined || text === 'all-linear') return text;
  return listOf(text);
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function raise(model: string): never {
  throw new Error(`internal: no shapes of ${model}; please report this`);
}

function parse(args: readonly string[]) {
  const string = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        model: string,
        method: string,
        batch: string,
        seq: string,
        engine: string,
        against: string,
        targets: string,
        rank: string,
        dropout: string,
        rounds: string,
        threads: string,
        'accept-busy': { type: 'boolean' },
        'idle-timeout': string,
        json: string,
      },
    }).values;
  } catch (error) {
    throw new PeftError('bench/options', `${(error as Error).message} See pnpm bench step --help.`);
  }
}
