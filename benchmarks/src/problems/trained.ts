import {
  type AnyModel,
  adamw,
  type FineTuneOptions,
  fineTune,
  mergeAdapter,
  type TrainedAdapter,
  type Weights,
} from '@peft/core';

export type Training = Omit<FineTuneOptions, 'optimizer'> & Partial<Pick<FineTuneOptions, 'optimizer'>>;

/** Trains silently, with Adam unless told otherwise, hands adapter and merged weights to `read`, and frees both. */
export async function trained<T>(
  model: AnyModel,
  training: Training,
  read: (adapter: TrainedAdapter, weights: Weights) => T | Promise<T>,
): Promise<T> {
  const run = fineTune(model, { optimizer: adamw(), progress: false, ...training });
  const result = await run.result;
  const weights = await mergeAdapter(model, result.adapter);
  try {
    return await read(result.adapter, weights);
  } finally {
    weights.dispose();
    result.dispose();
  }
}
