import * as tf from '@tensorflow/tfjs';
import type { Engine, Program, StepFunction, StepMetrics } from './engine.ts';
import { disposeUnless, type Snapshot } from './tree.ts';
import { uploadInputs } from './uploadInputs.ts';

/** The reference engine: tfjs operation by operation on the active backend. */
export function eagerEngine(): Engine {
  return { name: 'eager', compile: async (step) => eagerProgram(step) };
}

function eagerProgram(step: StepFunction): Program {
  let current: Snapshot = {};
  return {
    bind(state) {
      disposeUnless(current, state);
      current = state;
    },
    async step(inputs) {
      const { state, values, names } = tf.tidy(() => {
        const result = step(current, uploadInputs(inputs));
        const names = Object.keys(result.metrics);
        return { state: result.state, names, values: tf.stack(Object.values(result.metrics)) };
      });
      const numbers = await values.data();
      values.dispose();
      const metrics: StepMetrics = Object.fromEntries(names.map((name, i) => [name, numbers[i] as number]));
      const isSound = Object.values(metrics).every(Number.isFinite);
      disposeUnless(isSound ? current : state, isSound ? state : current);
      if (isSound) current = state;
      return metrics;
    },
    state: async () => current,
    release() {
      const state = current;
      current = {};
      return state;
    },
    dispose() {
      disposeUnless(current, {});
      current = {};
    },
  };
}
