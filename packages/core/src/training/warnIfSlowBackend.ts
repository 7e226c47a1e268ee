import * as tf from '@tensorflow/tfjs';

let hasWarned = false;

/** Says once per process that tfjs's plain JavaScript backend is the active one, and what to install. */
export function warnIfSlowBackend(warn: (warning: string) => void): void {
  if (hasWarned || tf.getBackend() !== 'cpu') return;
  hasWarned = true;
  warn(
    "training runs on tfjs's plain JavaScript backend, the slowest there is; install @tensorflow/tfjs-backend-wasm, import it and call await tf.setBackend('wasm').",
  );
}
