import { adamw } from '../src/optimizers/adamw.ts';
import type { AnyStrategy } from '../src/strategy.ts';
import { toyData } from '../src/testing/toyModel.ts';
import { toyStrategy } from '../src/testing/toyStrategy.ts';
import { batches } from '../src/training/dataSource.ts';
import type { TrainEvent } from '../src/training/events.ts';
import type { FineTuneOptions } from '../src/training/fineTune.ts';
import { regression } from '../src/training/loss.ts';

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
