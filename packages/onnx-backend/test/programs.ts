import { isPeftError, type Snapshot, type StepFunction, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { onnxEngine } from '../src/onnxEngine.ts';

/** A state with the values of its tensors. */
export const valuesOf = async (state: Snapshot): Promise<unknown> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(state).map(async ([key, entry]) => {
        if (typeof entry === 'number') return [key, entry];
        return [key, entry instanceof tf.Tensor ? [...(await entry.data())] : await valuesOf(entry)];
      }),
    ),
  );

/** Lets work that nobody waits for end. */
export const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A program on the native runtime, its state bound. */
export async function compiledOf<Name extends string>(
  functions: Record<Name, StepFunction>,
  state: Snapshot,
  weights: Weights,
) {
  const program = await onnxEngine({ runtime: 'native' }).compile(functions, weights);
  await program.bind(state);
  return program;
}

export const noWeights = () => new Weights([]);

/** Multiplies `value` by an input. */
export const doubling: StepFunction = ({ value, ...others }, { by }) => {
  const next = tf.mul(value as tf.Tensor, by as tf.Tensor);
  return { state: { ...others, value: next }, metrics: { sum: tf.sum(next) as tf.Scalar } };
};

/** An error of this project in one line. */
export const codeAndMessage = (error: unknown) => {
  expect(isPeftError(error)).toBe(true);
  return `${(error as { code?: string }).code}: ${(error as Error).message}`;
};
