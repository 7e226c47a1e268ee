import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { describe, test } from 'vitest';
import { checkGoldenRun, goldenRuns } from '../test/goldenRuns.ts';

describe.each(['cpu', 'wasm'])('on %s, as Python PEFT 0.21.2', (backend) => {
  test.each(goldenRuns.map((run) => [run.name, run] as const))('%s', async (_, run) => {
    await tf.setBackend(backend);
    await checkGoldenRun(run);
  });
});
