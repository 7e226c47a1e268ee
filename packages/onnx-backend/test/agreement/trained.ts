import {
  adamw,
  batches,
  type Engine,
  type FineTuneOptions,
  fineTune,
  type RunResult,
  regression,
  type TrainEvent,
  type TrainingState,
} from '@peft/core';
import { toyData, toyModel } from '@peft/core/testing';
import type { AgreementCase, Watch } from './agreementCases.ts';

export interface Trained {
  /** By step, from the first on. */
  readonly states: readonly TrainingState[];
  readonly events: readonly TrainEvent[];
  readonly result: Omit<RunResult, 'dispose'>;
}

export interface TrainedOptions extends Partial<FineTuneOptions> {
  readonly watch?: Watch;
  /** In place of fineTune, for those who want the run. */
  readonly start?: typeof fineTune;
}

/** Trains the toy model 50 steps on an engine and keeps the state after every step. */
export async function trained(
  { strategy, options: own }: AgreementCase,
  engine: Engine,
  { watch = (allocator) => allocator, start = fineTune, ...options }: TrainedOptions = {},
): Promise<Trained> {
  const states: TrainingState[] = [];
  const events: TrainEvent[] = [];
  const model = toyModel();
  const run = start(model, {
    strategy: strategy(watch),
    targets: ['embed', 'query', 'head'],
    loss: regression(),
    data: batches(toyData(), { batchSize: 6 }),
    steps: 50,
    optimizer: adamw({ weightDecay: 0.01 }),
    schedule: (step, totalSteps) => 0.005 * (1 - step / (2 * totalSteps)),
    seed: 3,
    progress: false,
    onWarning: () => {},
    checkpoints: {
      every: 1,
      store: { save: async (state) => void states.push(structuredClone(state)), load: async () => undefined },
    },
    ...own,
    ...options,
    onEvent(event) {
      events.push(event);
      options.onEvent?.(event);
    },
    engine,
  });
  const { dispose, ...result } = await run.result;
  dispose();
  model.weights.dispose();
  return { states, events, result };
}
