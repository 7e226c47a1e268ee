// Live tensors over 2,000 steps with a knot every 100, on cpu and wasm: node bench/liveTensors.mjs, after a build.
// Fails unless the number is the same after every step but those with a knot, and zero once all is disposed.
import { adamw, batches, fineTune, fold, regression } from '@peft/core';
import { toyData, toyModel, toyStrategy } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';

const STEPS = 2000;
const LENGTH = 100;

function withKnots() {
  const toy = toyStrategy();
  return {
    ...toy,
    advance(context, adapter, { step }) {
      if (step % LENGTH !== 0) return undefined;
      const { targets, seed } = context;
      return Promise.resolve({
        ...toy.init({ ...context, seed: fold(seed, step) }),
        effects: [
          { kind: 'merge', targets, adapter, strategy: toy, source: '' },
          { kind: 'restart', targets },
        ],
      });
    },
  };
}

let failures = 0;
for (const backend of ['cpu', 'wasm']) {
  await tf.setBackend(backend);
  const model = toyModel();
  const before = tf.memory().numTensors;
  const counts = new Set();
  const knots = [];
  const began = performance.now();
  const { result } = fineTune(model, {
    strategy: withKnots(),
    targets: ['embed', 'query'],
    modulesToSave: ['head'],
    loss: regression(),
    data: batches(toyData(), { batchSize: 6 }),
    steps: STEPS,
    optimizer: adamw(),
    schedule: 1e-3,
    progress: false,
    onWarning: () => {},
    onEvent(event) {
      if (event.type === 'effect' && event.effect === 'merge') knots.push(event.step);
      if (event.type === 'step' && event.step % LENGTH !== 0) counts.add(tf.memory().numTensors - before);
    },
  });
  const finished = await result;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  finished.dispose();
  model.weights.dispose();
  const left = tf.memory().numTensors - before;
  console.log(
    `${backend}: ${[...counts].join(', ')} live tensors after every step, ${knots.length} knots, ${left} left, ${seconds} s`,
  );
  if (counts.size !== 1 || left !== 0 || knots.length !== STEPS / LENGTH) failures++;
}
process.exitCode = failures;
