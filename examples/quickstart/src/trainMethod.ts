import {
  type AnyModel,
  adamw,
  batches,
  classification,
  type Engine,
  type Evaluation,
  fineTune,
  type RunResult,
} from '@peft/core';
import { linear } from '@peft/schedulers';
import { digitColumns } from './digitColumns.ts';
import type { Digit } from './digits.ts';
import type { Method } from './methods.ts';
import { type RankRecord, recordRanks } from './recordRanks.ts';
import type { Split } from './splitDigits.ts';

export type Curve = readonly { readonly step: number; readonly value: number }[];

/** One run of one method. */
export type MethodRun = {
  readonly seed: number;
  readonly accuracy: number;
  readonly seconds: number;
  readonly losses: Curve;
  readonly accuracies: Curve;
  readonly ranks: readonly RankRecord[];
  readonly trainableParameters: number;
};

export type TrainMethodOptions = {
  readonly model: AnyModel;
  readonly split: Split;
  /** Which part accuracy is measured on: never test when choosing settings. */
  readonly measureOn: 'validation' | 'test';
  readonly steps: number;
  readonly seed: number;
  readonly learningRate: number;
  readonly engine?: Engine;
  /** Evaluate every so many steps as well as at the end. */
  readonly evaluateEvery?: number;
  readonly onStep?: (step: number) => void;
};

/** The lowest digit of the new task. */
export const lowestNewDigit = 5;

const batchSize = 16;

/** Adapts the base to the new digits by one method. The result's tensors are the caller's. */
export async function trainMethod(
  method: Method,
  options: TrainMethodOptions,
): Promise<{ readonly run: MethodRun; readonly result: RunResult }> {
  const { model, split, steps, seed, learningRate, engine, onStep } = options;
  const { strategy, ...rest } = method.options();
  const ranks: RankRecord[] = [];
  const every = Math.max(1, Math.round(steps / 50));
  const observed = strategy && recordRanks(strategy, { every, onRecord: (record) => ranks.push(record) });
  const began = performance.now();
  const run = fineTune(model, {
    ...rest,
    ...(observed && { strategy: observed }),
    loss: classification(),
    data: batches(digitColumns(split.train, lowestNewDigit), { batchSize, dropLast: true }),
    evaluation: { data: evaluationBatches(split[options.measureOn]), every: options.evaluateEvery ?? steps },
    steps,
    optimizer: adamw({ weightDecay: 0.01 }),
    schedule: linear(learningRate),
    maxGradientNorm: 1,
    seed,
    progress: false,
    ...(engine && { engine }),
  });
  const losses: { step: number; value: number }[] = [];
  const accuracies: { step: number; value: number }[] = [];
  let trainableParameters = 0;
  for await (const event of run) {
    if (event.type === 'start') trainableParameters = event.trainable;
    if (event.type === 'step') {
      losses.push({ step: event.step, value: event.loss });
      onStep?.(event.step);
    }
    if (event.type === 'evaluation') accuracies.push({ step: event.step, value: event.metrics.accuracy as number });
  }
  const result = await run.result;
  const seconds = (performance.now() - began) / 1000;
  const accuracy = (result.evaluation as Evaluation).metrics.accuracy as number;
  return { result, run: { seed, accuracy, seconds, losses, accuracies, ranks, trainableParameters } };
}

/** All of a part in a few large batches, in order. */
export function evaluationBatches(digits: readonly Digit[]) {
  return batches(digitColumns(digits, lowestNewDigit), { batchSize: 128, shuffle: false });
}
