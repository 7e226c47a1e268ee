import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { describe, it } from 'vitest';
import { checkGoldenOptimizer, goldenOptimizers } from '../../test/goldenOptimizers.ts';
import { eagerEngine } from '../eagerEngine.ts';

describe.each(['cpu', 'wasm'])('optimizers equal torch on %s', (backend) => {
  it.each(goldenOptimizers)('%s', async (_, golden) => {
    await tf.setBackend(backend);
    await checkGoldenOptimizer(golden, eagerEngine());
  });
});
