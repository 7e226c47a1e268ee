import { isPeftError, type Snapshot, type StepFunction, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import type { CudaEngine } from '../../src/cudaEngine.ts';

/** A state with the values of its tensors. */
export async function valuesOf(state: Snapshot): Promise<unknown> {
  const entries = Object.entries(state).map(async ([key, entry]): Promise<[string, unknown]> => {
    if (typeof entry === 'number') return [key, entry];
    return [key, entry instanceof tf.Tensor ? [...(await entry.data())] : await valuesOf(entry)];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Lets work that nobody waits for end. */
export const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

export const noWeights = () => new Weights([]);

/** Functions on an engine, their state bound. */
export async function programOf<Name extends string>(
  engine: CudaEngine,
  functions: Record<Name, StepFunction>,
  state: Snapshot,
) {
  const program = await engine.compile(functions, noWeights());
  await program.bind(state);
  return program;
}

/** Multiplies `value` by an input. */
export const doubling: StepFunction = ({ value, ...others }, { by }) => {
  const next = tf.mul(value as tf.Tensor, by as tf.Tensor);
  return { state: { ...others, value: next }, metrics: { sum: tf.sum(next) as tf.Scalar } };
};

/** An error of this project in one line. */
export const codeAndMessage = (error: unknown): string => {
  if (!isPeftError(error)) throw error;
  return `${error.code}: ${error.message}`;
};
