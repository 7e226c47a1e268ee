import { batches, type FineTuneOptions, fineTune, type HostArray } from '@peft/core';
import type * as tf from '@tensorflow/tfjs';
import { loadPretrained } from '../src/loadPretrained.ts';
import { givenFactors } from './givenFactors.ts';
import { fixture, golden } from './golden.ts';

type Pair = Readonly<Record<'a' | 'b', tf.Tensor>>;

/** Trains a fixture's model from Python's factors on columns of its golden file, and gives what they end as, by key. */
export async function trainGivenFactors(
  name: string,
  {
    columns,
    ...options
  }: Pick<FineTuneOptions, 'loss' | 'steps' | 'optimizer' | 'schedule' | 'engine'> & {
    readonly columns: Readonly<Record<string, HostArray>>;
  },
) {
  const model = await loadPretrained(fixture(name));
  const expected = await golden(name);
  const keys = expected.keys.filter((key) => key.startsWith('factor/')).map((key) => key.slice('factor/'.length));
  const targets = [...new Set(keys.map((key) => key.slice(0, -2)))];
  const losses: number[] = [];
  const run = fineTune(model, {
    ...options,
    strategy: givenFactors(expected),
    targets,
    data: batches(columns, {
      batchSize: Math.max(...Object.values(columns).map(({ shape }) => shape[0] ?? 0)),
      shuffle: false,
    }),
    progress: false,
    onWarning: () => {},
    onEvent: (event) => event.type === 'step' && losses.push(event.loss),
  });
  const { adapter, dispose } = await run.result;
  const params = adapter.adapter.params as Readonly<Record<string, Pair>>;
  const factors = new Map(
    keys.map((key) => [key, params[key.slice(0, -2)]?.[key.at(-1) as 'a' | 'b'].dataSync() ?? []] as const),
  );
  dispose();
  model.weights.dispose();
  return { losses, factors, targets };
}
