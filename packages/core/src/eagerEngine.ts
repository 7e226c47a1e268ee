import * as tf from '@tensorflow/tfjs';
import type { Engine, Program, StepFunction, StepMetrics } from './engine.ts';
import { fromTensor, type HostArray } from './hostArray.ts';
import { slowBackendWarning } from './slowBackendWarning.ts';
import { disposeUnless, type Snapshot } from './tree.ts';
import { uploadInputs } from './uploadInputs.ts';

/** The reference engine: tfjs operation by operation on the active backend. */
export function eagerEngine(): Engine {
  return { name: 'eager', compile: async (functions) => eagerProgram(functions), warnings: slowBackendWarning };
}

function eagerProgram<Name extends string>(functions: Readonly<Record<Name, StepFunction>>): Program<Name> {
  let current: Snapshot = {};
  const take = (next: Snapshot) => {
    disposeUnless(current, next);
    current = next;
  };
  return {
    bind: async (state) => take(state),
    async run(name, inputs) {
      const { state, values, names, outputs } = tf.tidy(() => {
        const { state, metrics, outputs = {} } = functions[name](current, uploadInputs(inputs));
        const names = Object.keys(metrics);
        const values = names.length > 0 ? tf.stack(Object.values(metrics)) : tf.zeros([0]);
        return { state, names, outputs: { ...outputs }, values };
      });
      const numbers = await values.data();
      const metrics: StepMetrics = Object.fromEntries(names.map((name, i) => [name, numbers[i] as number]));
      const read = await readOutputs(outputs);
      values.dispose();
      disposeUnless(outputs, { current, state });
      if (Object.values(metrics).every(Number.isFinite)) take(state);
      else disposeUnless(state, current);
      return { metrics, outputs: read };
    },
    state: async () => current,
    async release() {
      const state = current;
      current = {};
      return state;
    },
    dispose: () => take({}),
  };
}

async function readOutputs(outputs: Readonly<Record<string, tf.Tensor>>) {
  const read: [string, HostArray][] = [];
  for (const [name, tensor] of Object.entries(outputs)) read.push([name, await fromTensor(tensor)]);
  return Object.fromEntries(read);
}
