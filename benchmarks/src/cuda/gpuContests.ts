import { type Assignment, fixedSettings, type Method } from '../step/assignment.ts';
import { benchedModels } from '../step/benchedModel.ts';

/** A step that is timed, and what it has to reach. */
export interface GpuContest {
  readonly title: string;
  readonly model: string;
  readonly assignment: Assignment;
  readonly targets: GpuTargets;
  /** Seconds that the contest takes at most, both sides made ready. */
  readonly seconds: number;
}

/** Set before any figure was known. */
export interface GpuTargets {
  readonly mostMs?: number;
  /** Of the peak of bf16 products. */
  readonly leastPeakShare?: number;
  /** How many times as fast as eager Python. */
  readonly overEager?: number;
  /** How many times as fast as Python's fastest mode. */
  readonly overFastest?: number;
  /** Of eager Python's peak memory. */
  readonly mostMemoryShare?: number;
}

interface Size {
  readonly batch: number;
  readonly seq: number;
  readonly method?: Method;
  readonly targets?: readonly string[] | 'all-linear';
}

function contest(model: string, size: Size, more: Pick<GpuContest, 'targets' | 'seconds'>): GpuContest {
  const benched = benchedModels[model];
  if (!benched) throw new Error(`there is no model ${model}`);
  const { title, architecture, config, modulesToSave, targets } = benched;
  const { batch, seq, method = 'lora' } = size;
  return {
    title: `${title}, ${method}, ${batch}x${seq}`,
    model,
    assignment: {
      architecture,
      config,
      modulesToSave,
      method,
      rank: 8,
      alpha: 16,
      dropout: 0,
      targets: size.targets ?? targets,
      batch,
      seq,
      threads: 1,
      weightStorage: 'bfloat16',
      ...fixedSettings,
    },
    ...more,
  };
}

const quick = { mostMs: 2.5, overEager: 3, overFastest: 1.2 } as const;
const wide = { leastPeakShare: 0.3, overEager: 1.6 } as const;
const large = { leastPeakShare: 0.45 } as const;

/** The steps of the H200's table, the ones that matter most first. */
export const gpuContests: readonly GpuContest[] = [
  contest('bert-base', { batch: 8, seq: 128 }, { targets: quick, seconds: 50 }),
  contest('gpt2', { batch: 8, seq: 128 }, { targets: quick, seconds: 50 }),
  contest('opt-1.3b', { batch: 8, seq: 512 }, { targets: { ...large, overEager: 1.2 }, seconds: 70 }),
  contest('llama-2-7b', { batch: 8, seq: 512 }, { targets: { ...large, mostMemoryShare: 0.8 }, seconds: 130 }),
  contest('bert-base', { batch: 8, seq: 512 }, { targets: wide, seconds: 50 }),
  contest('gpt2', { batch: 8, seq: 512 }, { targets: wide, seconds: 50 }),
];

/** The same by models that a processor can run. */
export const smallContests: readonly GpuContest[] = ['bert-tiny', 'gpt2-tiny', 'opt-tiny', 'llama-tiny'].map((model) =>
  contest(model, { batch: 2, seq: 16 }, { targets: {}, seconds: 60 }),
);

/** AdaLoRA's step over LoRA's, same rank and targets. */
export function methodContests(isSmall: boolean): Readonly<Record<'lora' | 'adalora', GpuContest>> {
  const of = (method: 'lora' | 'adalora') =>
    isSmall
      ? contest('bert-tiny', { batch: 2, seq: 16, method, targets: 'all-linear' }, { targets: {}, seconds: 30 })
      : contest('bert-base', { batch: 8, seq: 128, method, targets: 'all-linear' }, { targets: {}, seconds: 30 });
  return { lora: of('lora'), adalora: of('adalora') };
}

/** AdaLoRA's step may cost this many of LoRA's. */
export const mostMethodRatio = 1.05;
