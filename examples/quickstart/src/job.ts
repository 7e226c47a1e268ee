import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { saveAdapter } from '@peft/checkpoint';
import {
  adaptedAt,
  attach,
  classification,
  type Engine,
  evaluate,
  mergeAdapter,
  type TrainedAdapter,
} from '@peft/core';
import { loadPretrained, type PretrainedModel, saveModel } from '@peft/models';
import * as tf from '@tensorflow/tfjs';
import { digitColumns } from './digitColumns.ts';
import { type Digit, readDigits } from './digits.ts';
import learningRates from './learningRates.json';
import { methods } from './methods.ts';
import { splitDigits } from './splitDigits.ts';
import { evaluationBatches, lowestNewDigit, type MethodRun, trainMethod } from './trainMethod.ts';

/** One run of one method, as plain data that can be sent to a worker. */
export type Job = {
  readonly method: string;
  readonly seed: number;
  readonly steps: number;
  /** Where to save the adapter; it is not saved where absent. */
  readonly folder?: string;
  /** Test digits to answer, by their place among the test digits. */
  readonly asked: readonly number[];
};

export type JobResult = {
  readonly run: MethodRun;
  /** Size of the saved tensor file. */
  readonly adapterBytes: number;
  /** The digit that each asked image is taken for. */
  readonly answers: readonly number[];
};

export type Base = {
  readonly model: PretrainedModel;
  readonly test: readonly Digit[];
  /** Accuracy on the new test digits without adaptation. */
  readonly accuracy: number;
  /** The digit that each test image is taken for without adaptation. */
  readonly answers: readonly number[];
};

/** The learning rate of a method, chosen on validation images by `npm run claims`. */
export function learningRateOf(method: string): number {
  return learningRates[method as keyof typeof learningRates];
}

/** The base as it is, measured on the new digits. */
export async function measureBase(): Promise<Base> {
  const model = await loadBase();
  const { test } = newDigits();
  const { metrics } = await evaluate(model, { data: evaluationBatches(test), loss: classification() });
  const at = adaptedAt({ weights: model.weights, modules: model.targets });
  const answers = await answersTo(test, (pixelValues) => model.apply({ pixelValues }, at));
  return { model, test, answers, accuracy: metrics.accuracy as number };
}

/** Trains, measures, answers and saves. */
export async function runJob(
  job: Job,
  { engine, onStep }: { readonly engine?: Engine; readonly onStep?: (step: number) => void } = {},
): Promise<JobResult> {
  const method = methods.find(({ name }) => name === job.method);
  if (!method) throw new Error(`internal: no method "${job.method}"`);
  const model = await loadBase();
  const split = newDigits();
  const { run, result } = await trainMethod(method, {
    model,
    split,
    ...(engine && { engine }),
    ...(onStep && { onStep }),
    seed: job.seed,
    steps: job.steps,
    learningRate: learningRateOf(job.method),
    measureOn: 'test',
    evaluateEvery: Math.max(1, Math.round(job.steps / 10)),
  });
  const adapted = await attach(model, result.adapter);
  const digits = job.asked.map((index) => split.test[index] as Digit);
  const answers = digits.length === 0 ? [] : await answersTo(digits, (pixelValues) => adapted.apply({ pixelValues }));
  adapted.dispose();
  const adapterBytes = job.folder === undefined ? 0 : await save(model, result.adapter, job.folder);
  result.dispose();
  model.weights.dispose();
  return { run, adapterBytes, answers };
}

function loadBase(): Promise<PretrainedModel> {
  return loadPretrained(fileURLToPath(new URL('../base', import.meta.url)));
}

function newDigits() {
  return splitDigits(readDigits(), { from: lowestNewDigit, seed: 1 });
}

/** Saves an adapter, or the whole model where everything was trained; gives the size of the tensor file. */
async function save(model: PretrainedModel, adapter: TrainedAdapter, folder: string): Promise<number> {
  if (adapter.targets.length > 0) {
    await saveAdapter(adapter, folder);
    return statSync(join(folder, 'adapter_model.safetensors')).size;
  }
  const weights = await mergeAdapter(model, adapter);
  await saveModel(folder, model, weights);
  weights.dispose();
  return statSync(join(folder, 'model.safetensors')).size;
}

async function answersTo(
  digits: readonly Digit[],
  apply: (pixelValues: tf.Tensor) => tf.Tensor,
): Promise<readonly number[]> {
  const { pixelValues } = digitColumns(digits, lowestNewDigit);
  const classes = tf.tidy(() =>
    tf.argMax(apply(tf.tensor(pixelValues.data as Float32Array, [...pixelValues.shape])), 1),
  );
  const indices = await classes.data();
  classes.dispose();
  return Array.from(indices, (index) => index + lowestNewDigit);
}
