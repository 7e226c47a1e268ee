import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { saveAdapter } from '@peft/checkpoint';
import { adaptedAt, attach, classification, evaluate, mergeAdapter, type TrainedAdapter } from '@peft/core';
import { loadPretrained, type PretrainedModel, saveModel } from '@peft/models';
import * as tf from '@tensorflow/tfjs';
import { digitColumns } from './digitColumns.ts';
import { type Digit, readDigits } from './digits.ts';
import learningRates from './learningRates.json';
import type { Method } from './methods.ts';
import type { QuickstartOptions } from './options.ts';
import type { Picture } from './report/report.ts';
import { type MethodResult, summarise } from './results.ts';
import { splitDigits } from './splitDigits.ts';
import { evaluationBatches, lowestNewDigit, type MethodRun, trainMethod } from './trainMethod.ts';

export type Comparison = {
  readonly results: readonly MethodResult[];
  readonly baseAccuracy: number;
  readonly pictures: readonly Picture[];
};

const shownDigits = 12;

/** Runs every method with every seed, saves the adapters of the first seed, and collects what the report shows. */
export async function compareMethods(options: QuickstartOptions, out: string): Promise<Comparison> {
  const model = await loadPretrained(fileURLToPath(new URL('../base', import.meta.url)));
  const split = splitDigits(readDigits(), { from: lowestNewDigit, seed: 1 });
  const base = await evaluate(model, { data: evaluationBatches(split.test), loss: classification() });
  const baseAnswers = await answersOf(split.test, (pixelValues) => applyBase(model, pixelValues));
  const shown = split.test.filter((digit, at) => baseAnswers[at] !== digit.digit).slice(0, shownDigits);
  const answers = new Map<string, readonly number[]>();
  const results: MethodResult[] = [];
  for (const method of options.methods) {
    const runs: MethodRun[] = [];
    let adapterBytes = 0;
    const learningRate = learningRates[method.name as keyof typeof learningRates];
    for (let seed = 1; seed <= options.seeds; seed++) {
      const progress = progressLine(method, { seed, ...options });
      const { run, result } = await trainMethod(method, {
        model,
        split,
        seed,
        learningRate,
        measureOn: 'test',
        steps: options.steps,
        evaluateEvery: Math.max(1, Math.round(options.steps / 10)),
        onStep: progress.step,
      });
      if (seed === 1) {
        const adapted = await attach(model, result.adapter);
        answers.set(method.name, await answersOf(shown, (pixelValues) => adapted.apply({ pixelValues })));
        adapted.dispose();
        adapterBytes = await save(model, result.adapter, join(out, 'adapters', method.name));
      }
      result.dispose();
      runs.push(run);
      progress.done(run);
    }
    results.push(summarise({ name: method.name, about: method.about, adapterBytes, learningRate }, runs));
  }
  const pictures = shown.map((digit) => ({
    digit,
    base: baseAnswers[split.test.indexOf(digit)] as number,
    predictions: Object.fromEntries([...answers].map(([name, all]) => [name, all[shown.indexOf(digit)] as number])),
  }));
  return { results, baseAccuracy: base.metrics.accuracy as number, pictures };
}

/** Saves an adapter, or the whole model where everything was trained; gives the size of the tensor file. */
async function save(model: PretrainedModel, adapter: TrainedAdapter, folder: string): Promise<number> {
  if (adapter.targets.length > 0) {
    await saveAdapter(adapter, folder);
    return statSync(join(folder, 'adapter_model.safetensors')).size;
  }
  const weights = await mergeAdapter(model, adapter);
  await saveModel(folder, { ...model, weights });
  weights.dispose();
  return statSync(join(folder, 'model.safetensors')).size;
}

/** Which new digit each image is taken for. */
async function answersOf(
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

function applyBase(model: PretrainedModel, pixelValues: tf.Tensor): tf.Tensor {
  return model.apply({ pixelValues }, adaptedAt({ weights: model.weights, modules: model.targets }));
}

function progressLine({ name }: Method, { seed, seeds, steps }: { seed: number; seeds: number; steps: number }) {
  const title = seeds > 1 ? `${name} ${seed}/${seeds}` : name;
  const { stderr } = process;
  return {
    step(step: number) {
      if (stderr.isTTY) stderr.write(`\r\x1b[K${title}: step ${step}/${steps}`);
    },
    done({ accuracy, seconds }: MethodRun) {
      const text = `${title}: ${(100 * accuracy).toFixed(1)} % of the new test digits, ${steps} steps in ${seconds.toFixed(1)} s`;
      stderr.write(stderr.isTTY ? `\r\x1b[K${text}\n` : `${text}\n`);
    },
  };
}
