import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe } from 'vitest';

/** tfjs's JavaScript kernels under a name that no operation knows, as a stand-in for every backend we do not run here. */
const UNKNOWN = 'unknown';
tf.registerBackend(UNKNOWN, () => tf.findBackendFactory('cpu')());
tf.copyRegisteredKernels('cpu', UNKNOWN);

/** Runs the same tests on the plain JavaScript backend, on wasm, and on one without kernels of our own. */
export function onEachBackend(tests: (backend: string) => void): void {
  describe.each(['cpu', 'wasm', UNKNOWN])('on %s', (backend) => {
    beforeAll(async () => {
      await tf.setBackend(backend);
    });
    tests(backend);
  });
}
