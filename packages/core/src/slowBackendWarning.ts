import * as tf from '@tensorflow/tfjs';

let hasWarned = false;

/** Says once per process that tfjs's plain JavaScript backend is the active one, and what to install. */
export function slowBackendWarning(): readonly string[] {
  if (hasWarned || tf.getBackend() !== 'cpu') return [];
  hasWarned = true;
  return [
    "training runs on tfjs's plain JavaScript backend, the slowest there is; install @tensorflow/tfjs-backend-wasm, import it and call await tf.setBackend('wasm').",
  ];
}
