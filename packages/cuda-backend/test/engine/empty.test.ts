import { eagerEngine, type HostArray, hostArray, type StepFunction } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl } from '../simulator/simulatedLibraries.ts';
import { noWeights, programOf } from './programOf.ts';
import { simulatedEngine } from './simulatedEngine.ts';

simulated('programs with little to do on the simulated device', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
    simulatedControl().configure();
  });

  it('run without any operation', async () => {
    const engine = simulatedEngine();
    const program = await programOf(engine, { rest: (state) => ({ state, metrics: {} }) }, {});
    for (let run = 0; run < 2; run++) expect(await program.run('rest', {})).toEqual({ metrics: {}, outputs: {} });
    program.dispose();
    engine.dispose();
  });

  it('hand inputs, weights and state through as outputs', async () => {
    const engine = simulatedEngine();
    const step: StepFunction = ({ a, b }, { x }) => ({
      state: { a: b as tf.Tensor, b: a as tf.Tensor },
      metrics: {},
      outputs: { x: x as tf.Tensor, again: x as tf.Tensor, a: a as tf.Tensor },
    });
    const program = await programOf(engine, { step }, { a: tf.tensor1d([1, 2]), b: tf.tensor1d([3, 4]) });
    for (const a of [
      [1, 2],
      [3, 4],
      [1, 2],
    ]) {
      const { outputs } = await program.run('step', { x: hostArray([7, 8], [2]) });
      expect(outputs).toEqual({ x: hostArray([7, 8], [2]), again: hostArray([7, 8], [2]), a: hostArray(a, [2]) });
    }
    program.dispose();
    engine.dispose();
  });

  it.each([
    ['launch after launch', { graphs: false }],
    ['as one graph', {}],
    ['with fused kernels', { fuses: true, precision: 'bf16' }],
  ] as const)('take tensors without numbers, %s', async (_how, options) => {
    const engine = simulatedEngine(options);
    const ones = (...shape: number[]) => tf.ones(shape);
    const results: Record<string, (x: tf.Tensor2D) => tf.Tensor> = {
      element: (x) => tf.add(tf.exp(x), 1),
      sum: (x) => tf.sum(x, 0),
      rows: (x) => tf.matMul(x, ones(3, 2)),
      batch: (x) => tf.matMul(tf.reshape(x, [0, 1, 3]), ones(0, 3, 2)),
      inner: (x) => tf.matMul(x, x, true),
      biased: (x) => tf.add(tf.matMul(x, x, true), tf.tensor1d([1, 2, 3])),
      joined: (x) => tf.concat([x, ones(2, 3)], 0),
      turned: (x) => tf.transpose(x),
      rest: (x) => tf.softmax(x),
      part: (x) => tf.slice(tf.concat([x, ones(2, 3)], 0), [1, 0], [0, 3]),
    };
    const step: StepFunction = (state, { x }) => ({
      state,
      metrics: { sum: tf.sum(x as tf.Tensor) as tf.Scalar },
      outputs: Object.fromEntries(Object.entries(results).map(([name, make]) => [name, make(x as tf.Tensor2D)])),
    });
    const x: HostArray = { dtype: 'float32', shape: [0, 3], data: new Float32Array(0) };
    const [expected, found] = await Promise.all(
      [eagerEngine(), engine].map(async (each) => {
        const program = await each.compile({ step }, noWeights());
        await program.bind({});
        const result = await program.run('step', { x });
        program.dispose();
        return result;
      }),
    );
    expect(found).toEqual(expected);
    engine.dispose();
  });
});
