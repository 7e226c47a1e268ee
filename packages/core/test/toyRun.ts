import { adamw } from '../src/optimizers/adamw.ts';
import type { AnyStrategy } from '../src/strategy.ts';
import { toyData, toyModel } from '../src/testing/toyModel.ts';
import { toyStrategy } from '../src/testing/toyStrategy.ts';
import { batches } from '../src/training/dataSource.ts';
import type { TrainEvent } from '../src/training/events.ts';
import { type FineTuneOptions, fineTune, type Run } from '../src/training/fineTune.ts';
import { readSnapshot } from '../src/training/hostSnapshot.ts';
import { regression } from '../src/training/loss.ts';
import type { TrainingState } from '../src/training/trainingState.ts';

/** Options of a small quiet run on the toy model: 24 examples in four batches, six steps. */
export function toyOptions(changes: Partial<FineTuneOptions> = {}): FineTuneOptions {
  return {
    strategy: toyStrategy() as AnyStrategy,
    targets: ['embed', 'query'],
    loss: regression(),
    data: batches(toyData(), { batchSize: 6 }),
    steps: 6,
    optimizer: adamw(),
    schedule: 0.02,
    seed: 5,
    progress: false,
    onWarning: () => {},
    ...changes,
  };
}

/** A listener that remembers. */
export function recorder() {
  const events: TrainEvent[] = [];
  const of = <T extends TrainEvent['type']>(type: T) =>
    events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
  return { events, of, onEvent: (event: TrainEvent) => void events.push(event) };
}

/** A run of `toyOptions` on a new toy model. */
export const startToy = (changes: Partial<FineTuneOptions> = {}): Run => fineTune(toyModel(), toyOptions(changes));

/** Resolves when the run has taken this step. */
export async function afterStep(run: Run, step: number): Promise<void> {
  for await (const event of run) if (event.type === 'step' && event.step === step) return;
}

/** The state after the end of a run, whose result is freed. */
export async function finalState(run: Run): Promise<TrainingState> {
  (await run.result).dispose();
  return run.state();
}

/** What `startToy` ends with, its parameters on the host. */
export async function trainToy(changes: Partial<FineTuneOptions>) {
  const { adapter, dispose, ...rest } = await startToy(changes).result;
  const params = await readSnapshot({ ...adapter.adapter.params, trained: adapter.trained });
  dispose();
  return { ...rest, params };
}
