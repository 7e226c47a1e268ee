import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { liveTensorsOf } from '../../test/liveTensorsOf.ts';

// bench/liveTensors.mjs runs the same over 2,000 steps.
it.each(['cpu', 'wasm'])('live tensors are flat over 200 steps and 20 knots on %s', async (backend) => {
  await tf.setBackend(backend);
  const { counts, knots, left } = await liveTensorsOf({ steps: 200, length: 10 });
  expect([counts.length, knots, left]).toEqual([1, 20, 0]);
});
