import { type AnyModel, type Engine, type FineTuneOptions, fineTune, readSnapshot, type TrainEvent } from '@peft/core';
import { memory } from '@tensorflow/tfjs';

/** What a training run leaves behind, by name. */
export interface Outcome {
  /** Losses, penalties, gradient norms, evaluations, adapter, state, trained parameters. */
  readonly values: ReadonlyMap<string, ArrayLike<number>>;
  readonly knots: number;
  readonly evaluations: number;
  /** Tensors alive after each step. */
  readonly tensors: readonly number[];
  readonly stepSeconds: readonly number[];
}

export type Settings = Omit<FineTuneOptions, 'engine' | 'progress' | 'onWarning'>;

/** Trains a model on an engine and reads everything that came of it. Its tensors are freed. */
export async function train(model: AnyModel, settings: Settings, engine: Engine): Promise<Outcome> {
  const events: TrainEvent[] = [];
  const tensors: number[] = [];
  const onEvent = (event: TrainEvent) => {
    events.push(event);
    if (event.type === 'step') tensors.push(memory().numTensors);
  };
  const run = fineTune(model, { ...settings, engine, onEvent, progress: false, onWarning: () => {} });
  const { adapter, dispose } = await run.result;
  const steps = events.filter((event) => event.type === 'step');
  const evaluations = events.filter((event) => event.type === 'evaluation');
  const merges = events.filter((event) => event.type === 'effect' && event.effect === 'merge');
  const values = new Map<string, ArrayLike<number>>([
    ['loss', steps.map(({ loss }) => loss)],
    ['penalty', steps.map(({ penalty }) => penalty)],
    ['gradientNorm', steps.map(({ gradientNorm }) => gradientNorm)],
    ['evaluation', evaluations.flatMap(({ loss, metrics }) => [loss, ...Object.values(metrics)])],
  ]);
  const { params, state } = adapter.adapter;
  for (const [path, leaf] of Object.entries(await readSnapshot({ params, state, trained: adapter.trained }))) {
    values.set(path, typeof leaf === 'number' ? [leaf] : (leaf.data as ArrayLike<number>));
  }
  dispose();
  model.weights.dispose();
  return {
    values,
    knots: merges.length,
    evaluations: evaluations.length,
    tensors,
    stepSeconds: steps.map(({ seconds }) => seconds),
  };
}
