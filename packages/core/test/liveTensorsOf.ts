import * as tf from '@tensorflow/tfjs';
import { toyModel } from '../src/testing/toyModel.ts';
import type { TrainEvent } from '../src/training/events.ts';
import { fineTune } from '../src/training/fineTune.ts';
import { withKnots } from './knots.ts';
import { toyOptions } from './toyRun.ts';

/**
 * Trains on the active backend with a knot every `length` steps. Live tensors after every step (those of merged weights
 * that await their next use aside), and those left when all is disposed.
 */
export async function liveTensorsOf({ steps, length }: { readonly steps: number; readonly length: number }) {
  const model = toyModel();
  const before = tf.memory().numTensors;
  const counts = new Set<number>();
  let knots = 0;
  const onEvent = (event: TrainEvent) => {
    if (event.type === 'effect' && event.effect === 'merge') knots++;
    if (event.type === 'step' && event.step % length !== 0) counts.add(tf.memory().numTensors - before);
  };
  const began = performance.now();
  const changes = { strategy: withKnots(length), steps, modulesToSave: ['head'], schedule: 1e-3, onEvent };
  const result = await fineTune(model, toyOptions(changes)).result;
  const seconds = (performance.now() - began) / 1000;
  result.dispose();
  model.weights.dispose();
  return { counts: [...counts], knots, left: tf.memory().numTensors - before, seconds };
}
