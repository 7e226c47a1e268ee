import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  batches,
  type FineTuneOptions,
  fineTune,
  hostArray,
  type RunResult,
  regression,
  type TrainEvent,
  type TrainingState,
} from '@peft/core';
import { normals } from '@peft/ops';
import { layerStack } from './layerStack.ts';

export type ToyRun = {
  readonly result: RunResult;
  readonly events: readonly TrainEvent[];
  /** The state after each step. */
  readonly saves: readonly TrainingState[];
};

/** 24 rows for a stack of layers from 6 to 4. */
export const toyData = () =>
  batches({ x: hostArray(normals(1, 144), [24, 6]), targets: hostArray(normals(2, 96), [24, 4]) }, { batchSize: 8 });

/** Trains a strategy on a stack of small layers to the end, keeping every state. The caller disposes the result. */
export async function toyRun(
  strategy: AnyStrategy,
  options: Partial<FineTuneOptions> = {},
  model: AnyModel = layerStack([6, 5, 4], 3),
): Promise<ToyRun> {
  const events: TrainEvent[] = [];
  const saves: TrainingState[] = [];
  const result = await fineTune(model, {
    strategy,
    targets: 'all-linear',
    loss: regression(),
    data: toyData(),
    steps: 24,
    optimizer: adamw(),
    schedule: 0.05,
    checkpoints: {
      every: 1,
      store: { save: async (state) => void saves.push(structuredClone(state)), load: async () => undefined },
    },
    onEvent: (event) => void events.push(event),
    progress: false,
    onWarning: () => {},
    ...options,
  }).result;
  return { result, events, saves };
}
