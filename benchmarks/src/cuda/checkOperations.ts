import { fromTensor, type HostArray, type HostInputs, type StepFunction, Weights } from '@peft/core';
import { caseFunction, type OpCase, opCases, opCaseValues } from '@peft/graph/test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { relativeDistance } from './distance.ts';
import type { Finding, Section, SectionCall } from './section.ts';

/** Sums of a few dozen terms in float32, and error functions good to 1.5e-7. */
const tolerance = 3e-5;
const seed = 20_260_101;

/** Every operation of the graph with its gradient, on drawn shapes and values, against eager TensorFlow.js. */
export const checkOperations: Section = {
  name: 'operations',
  async *run({ engineOf, isSmall, log }: SectionCall): AsyncIterable<Finding> {
    await tf.setBackend('cpu');
    const engine = engineOf('float32');
    const draws = isSmall ? 2 : 8;
    for (const [name, arbitrary] of Object.entries(opCases)) {
      let worst = 0;
      let problem: string | undefined;
      for (const [draw, each] of fc.sample(arbitrary, { numRuns: draws, seed }).entries()) {
        try {
          for (const [output, distance] of await distancesOf(each, draw, engine)) {
            if (distance > tolerance) problem ??= `draw ${draw}, ${output}: ${distance}`;
            worst = Math.max(worst, distance);
          }
        } catch (error) {
          problem ??= `draw ${draw}: ${(error as Error).message}`;
        }
      }
      if (problem) log(`${name}: ${problem}`);
      yield { name, passed: problem === undefined, found: { draws, worst, problem } };
    }
  },
};

async function distancesOf(each: Omit<OpCase, 'name'>, draw: number, engine: ReturnType<SectionCall['engineOf']>) {
  const run = caseFunction(each);
  const inputs = Object.fromEntries(
    each.inputs.map((input, index) => [`x${index}`, opCaseValues(input, draw + index)]),
  );
  const eager = tf.tidy(() => run(inputs) as Record<string, tf.Tensor>);
  const step: StepFunction = (state, given) => ({
    state,
    metrics: {},
    outputs: run(given as Record<string, tf.Tensor>) as Record<string, tf.Tensor>,
  });
  const program = await engine.compile({ step }, new Weights([]));
  try {
    await program.bind({});
    const { outputs } = await program.run('step', await hostInputs(inputs));
    return Object.entries(eager).map(
      ([name, tensor]) =>
        [name, relativeDistance((outputs[name] as HostArray).data as Float32Array, tensor.dataSync())] as const,
    );
  } finally {
    (await program.release()) satisfies object;
    program.dispose();
    tf.dispose([inputs, eager]);
  }
}

async function hostInputs(inputs: Readonly<Record<string, tf.Tensor>>): Promise<HostInputs> {
  const entries = Object.entries(inputs).map(async ([name, tensor]) => [name, await fromTensor(tensor)] as const);
  return Object.fromEntries(await Promise.all(entries));
}
