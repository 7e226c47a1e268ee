import { hostBackend } from '@peft/compiler';
import { type HostArray, hostArray, type Program, type StepFunction, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl } from '../simulator/simulatedLibraries.ts';
import { noWeights, settled } from './programOf.ts';
import { simulatedEngine } from './simulatedEngine.ts';

const predict =
  (weights: Weights, path = 'w'): StepFunction =>
  (state, { x }) => ({
    state,
    metrics: {},
    outputs: { y: tf.matMul(x as tf.Tensor2D, weights.tensor(path) as tf.Tensor2D) },
  });

const predicted = async (program: Program<'predict'>) => {
  const { outputs } = await program.run('predict', { x: hostArray([1, 1], [1, 2]) });
  return Array.from((outputs.y as HostArray).data as Float32Array);
};

simulated('frozen weights on the simulated device', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
    simulatedControl().configure();
  });

  it('are uploaded once for all programs, functions and forks that read them', async () => {
    const engine = simulatedEngine();
    const base = new Weights([['w', hostArray([1, 2, 3, 4], [2, 2])]]);
    const fork = base.fork();
    const programs: Program<'predict' | 'again'>[] = [];
    for (const weights of [base, base, fork]) {
      const functions = { predict: predict(weights), again: predict(weights) };
      const program = await engine.compile(functions, weights);
      await program.bind({});
      expect(await predicted(program)).toEqual([4, 6]);
      await program.run('again', { x: hostArray([1, 1], [1, 2]) });
      programs.push(program);
    }
    expect((await engine.describe()).weights).toEqual({ count: 1, bytes: 16 });
    fork.write('w', hostArray([10, 20, 30, 40], [2, 2]));
    expect(await Promise.all(programs.map(predicted))).toEqual([
      [4, 6],
      [4, 6],
      [40, 60],
    ]);
    expect((await engine.describe()).weights).toEqual({ count: 2, bytes: 32 });
    // The very array written again is another version of it.
    const changed = fork.get('w');
    (changed.data as Float32Array).fill(5);
    fork.write('w', changed);
    expect(await predicted(programs[2] as Program<'predict'>)).toEqual([10, 10]);
    for (const program of programs) program.dispose();
    await settled();
    // Nobody holds them, and the next program would want them.
    expect((await engine.describe()).weights.count).toBeGreaterThan(0);
    engine.dispose();
    await settled();
    expect(simulatedControl().liveObjects().allocations).toBe(0);
    fork.dispose();
    base.dispose();
  });

  it('lie as a precision wants them: 16 bits widened, or as they are stored', async () => {
    // 1, 2, 3 and 4 as bfloat16, as float16, and as float32; 4097 needs more than bfloat16 has.
    const stored = {
      bf16: { dtype: 'bfloat16', shape: [2, 2], data: Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080) },
      f16: { dtype: 'float16', shape: [2, 2], data: Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400) },
      wide: hostArray([4097, 2, 3, 4], [2, 2]),
    } as const;
    const expected = {
      float32: { bf16: [4, 6], f16: [4, 6], wide: [4100, 6] },
      bf16: { bf16: [4, 6], f16: [4, 6], wide: [4099, 6] },
    };
    for (const precision of ['float32', 'bf16'] as const) {
      const engine = simulatedEngine({ precision });
      for (const name of ['bf16', 'f16', 'wide'] as const) {
        const weights = new Weights([['w', stored[name]]]);
        const program = await engine.compile({ predict: predict(weights) }, weights);
        await program.bind({});
        expect([precision, name, await predicted(program)]).toEqual([precision, name, expected[precision][name]]);
        program.dispose();
        await settled();
        weights.dispose();
      }
      expect((await engine.describe()).weights.bytes).toBe(precision === 'bf16' ? 24 : 48);
      engine.dispose();
    }
  });

  it('of 16 bits stay as they are stored on the host, through captures, merges and evaluation', async () => {
    const engine = simulatedEngine({ precision: 'bf16' });
    const before = tf.memory().numTensors;
    const arrays = hostBackend().numDataIds();
    const base = new Weights([
      ['w', { dtype: 'bfloat16', shape: [2, 2], data: Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080) }],
      ['v', { dtype: 'float16', shape: [2, 2], data: Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400) }],
      ['unread', { dtype: 'bfloat16', shape: [1], data: Uint16Array.of(0) }],
    ]);
    const fork = base.fork();
    const merge: StepFunction = (state) => ({ state, metrics: {}, outputs: { merged: tf.mul(fork.tensor('w'), 10) } });
    const functions = { predict: predict(fork), other: predict(fork, 'v'), merge };
    const [program, untouched] = [
      await engine.compile(functions, fork),
      await engine.compile({ predict: predict(base) }, base),
    ];
    for (const each of [program, untouched]) await each.bind({});
    expect(await predicted(program)).toEqual([4, 6]);
    expect((await program.run('other', { x: hostArray([1, 1], [1, 2]) })).outputs.y?.data).toEqual(
      Float32Array.of(4, 6),
    );
    const { merged } = (await program.run('merge', {})).outputs;
    const isRead = () => ['w', 'v', 'unread'].map((path) => hostBackend().arrayOf(base.tensor(path)) !== undefined);
    expect(isRead()).toEqual([false, false, false]);
    fork.write('w', merged as HostArray);
    expect([await predicted(program), await predicted(untouched)]).toEqual([
      [40, 60],
      [4, 6],
    ]);
    fork.dispose();
    expect([await predicted(program), await predicted(untouched)]).toEqual([
      [4, 6],
      [4, 6],
    ]);
    expect(isRead()).toEqual([false, false, false]);
    // Eager operations find them all the same.
    expect(tf.tidy(() => [...tf.sum(base.tensor('w')).dataSync()])).toEqual([10]);
    for (const each of [program, untouched]) each.dispose();
    await settled();
    engine.dispose();
    base.dispose();
    expect([tf.memory().numTensors, hostBackend().numDataIds()]).toEqual([before, arrays]);
  });

  it('larger than what goes to the device at a time arrive whole', async () => {
    const engine = simulatedEngine();
    const size = 3_000_000;
    const weights = new Weights([
      [
        'w',
        hostArray(
          Float32Array.from({ length: size }, (_, index) => index % 1000),
          [2, size / 2],
        ),
      ],
    ]);
    const step: StepFunction = (state) => ({
      state,
      metrics: { sum: tf.sum(weights.tensor('w')) as tf.Scalar },
      outputs: { last: tf.slice(weights.tensor('w'), [1, size / 2 - 3], [1, 3]) },
    });
    const program = await engine.compile({ step }, weights);
    await program.bind({});
    const { metrics, outputs } = await program.run('step', {});
    expect(metrics.sum).toBeCloseTo((999 * size) / 2, -3);
    expect(outputs.last?.data).toEqual(Float32Array.of(997, 998, 999));
    program.dispose();
    engine.dispose();
    weights.dispose();
  });

  it('and tensors made before a capture that are no weights are read once', async () => {
    const engine = simulatedEngine();
    const shift = tf.tensor1d([1, 2]);
    const shifted: StepFunction = (state, { by }) => ({
      state,
      metrics: {},
      outputs: { y: tf.add(shift, by as tf.Tensor) },
    });
    const program = await engine.compile({ shifted }, noWeights());
    await program.bind({});
    for (const by of [1, 2]) {
      expect((await program.run('shifted', { by })).outputs.y?.data).toEqual(Float32Array.of(1 + by, 2 + by));
    }
    program.dispose();
    engine.dispose();
    shift.dispose();
  });
});
