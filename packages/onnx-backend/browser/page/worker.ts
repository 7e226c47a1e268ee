import { eagerEngine } from '@peft/core';
import { toyModel } from '@peft/core/testing';
import { type OnnxEngineOptions, onnxEngine } from '@peft/onnx-backend';
import * as tf from '@tensorflow/tfjs';
import { largestDifference, requireWithin } from './compare.ts';
import { toyRuns } from './toyRuns.ts';
import { train } from './train.ts';

/** The part of a worker's global scope that is used. */
interface Scope {
  onmessage: ((message: { readonly data: OnnxEngineOptions }) => void) | null;
  postMessage(answer: Readonly<Record<string, string>>): void;
}

const scope = globalThis as unknown as Scope;

scope.onmessage = ({ data: options }) => {
  compare(options).then(
    (found) => scope.postMessage({ found }),
    (error: Error) => scope.postMessage({ error: error.message }),
  );
};

async function compare(options: OnnxEngineOptions): Promise<string> {
  await tf.setBackend('cpu');
  const engine = onnxEngine(options);
  const { settings } = toyRuns['COLA of AdaLoRA'] ?? { settings: undefined };
  if (!settings) throw new Error('there is no such run');
  const wanted = await train(toyModel(), settings, eagerEngine());
  const found = await train(toyModel(), settings, engine);
  const { runtime, threads } = await engine.describe();
  return `${runtime}, ${threads} threads: ${requireWithin(largestDifference(found.values, wanted.values), 1e-5)}`;
}
