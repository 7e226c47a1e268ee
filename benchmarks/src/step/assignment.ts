import type { BenchedModel } from './benchedModel.ts';

export const methods = ['lora', 'adalora', 'cola', 'cola-adalora'] as const;
export type Method = (typeof methods)[number];

/** What every contestant trains, ours and Python's: sent to each as JSON. */
export type Assignment = Pick<BenchedModel, 'architecture' | 'config' | 'modulesToSave'> & {
  readonly method: Method;
  readonly rank: number;
  readonly alpha: number;
  /** Of the adapters' inputs; the models' own dropout is 0 on both sides. */
  readonly dropout: number;
  readonly targets: readonly string[] | 'all-linear';
  readonly batch: number;
  /** Tokens of each example, none of them padding. */
  readonly seq: number;
  readonly threads: number;
  /** How our frozen weights lie on the host: float32 unless given. */
  readonly weightStorage?: 'bfloat16';
  readonly seed: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Length of the run, whose end no measurement reaches. */
  readonly totalSteps: number;
};

export const fixedSettings = { seed: 1, learningRate: 1e-4, weightDecay: 0.01, totalSteps: 100_000 } as const;
