import { eagerEngine, type HostInputs, hostArray, type Program, type Snapshot, type StepFunction } from '@peft/core';
import { plantedFunctions, plantedState, plantedWeights } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl } from '../simulator/simulatedLibraries.ts';
import { expectAlike } from './expectAlike.ts';
import { codeAndMessage, doubling, noWeights, programOf, settled, valuesOf } from './programOf.ts';
import { simulatedEngine } from './simulatedEngine.ts';

const x = hostArray([1, 0, 2, -1, 3, 1], [2, 3]);
type Name = keyof ReturnType<typeof plantedFunctions>;

const inputsOf: Readonly<Record<Name, HostInputs>> = {
  loss: { x },
  bias: { x, rate: 0.125 },
  gain: { x },
  both: { rate: -0.5 },
  predict: { x },
};

simulated('a program on the simulated device', () => {
  const engine = simulatedEngine();
  let tensorsBefore = 0;

  beforeAll(async () => {
    await tf.setBackend('cpu');
    simulatedControl().configure();
  });

  beforeEach(() => {
    tensorsBefore = tf.memory().numTensors;
  });

  afterAll(async () => {
    engine.dispose();
    await settled();
    expect(Object.values(simulatedControl().liveObjects())).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  async function pair() {
    const weights = plantedWeights();
    const functions = plantedFunctions(weights);
    const programs: Program<Name>[] = [];
    for (const each of [eagerEngine(), engine]) {
      const program = await each.compile(functions, weights);
      await program.bind(plantedState());
      programs.push(program);
    }
    return { weights, eager: programs[0] as Program<Name>, compiled: programs[1] as Program<Name> };
  }

  it('agrees with the eager engine after any order of functions, rebinding and looking', async () => {
    const names: readonly (Name | 'look' | 'rebind')[] = ['loss', 'bias', 'gain', 'both', 'predict', 'look', 'rebind'];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...names), { minLength: 4, maxLength: 14 }), async (order) => {
        const before = tf.memory().numTensors;
        const { weights, eager, compiled } = await pair();
        for (const name of order) {
          if (name === 'look') expectAlike(await valuesOf(await compiled.state()), await valuesOf(await eager.state()));
          else if (name === 'rebind') {
            for (const program of [eager, compiled]) {
              const state = (await program.state()) as { params: Snapshot };
              await program.bind({ ...state, count: 5, params: { ...state.params, gain: tf.scalar(1.5) } });
            }
          } else expectAlike(await compiled.run(name, inputsOf[name]), await eager.run(name, inputsOf[name]));
        }
        expectAlike(await valuesOf(await compiled.state()), await valuesOf(await eager.state()));
        for (const program of [eager, compiled]) program.dispose();
        await settled();
        weights.dispose();
        expect(tf.memory().numTensors).toBe(before);
      }),
      { numRuns: 10 },
    );
  });

  it('puts runs in the stream as they are asked for, which end in order; what comes between waits for them', async () => {
    const control = simulatedControl();
    const program = await programOf(engine, { doubling }, { value: tf.tensor1d([1, 2]) });
    await program.run('doubling', { by: 1 });
    control.forgetCalls();
    const ends: number[] = [];
    const runs = [2, 3, 0.5].map((by) => program.run('doubling', { by }));
    // All were put in before anything was waited for.
    expect([control.calls('cuGraphLaunch'), control.calls('cuEventQuery'), control.calls('cuLaunchKernel')]).toEqual([
      3, 0, 0,
    ]);
    for (const [index, run] of runs.entries()) void run.then(() => ends.push(index));
    expect(await valuesOf(await program.state())).toEqual({ value: [3, 6] });
    expect(ends).toEqual([0, 1, 2]);
    expect((await Promise.all(runs)).map(({ metrics }) => metrics.sum)).toEqual([6, 18, 9]);
    expect(control.calls('cuStreamSynchronize')).toBe(0);
    program.dispose();
  });

  it('has room for as many runs as somebody asks for', async () => {
    const program = await programOf(engine, { doubling }, { value: tf.tensor1d([1]) });
    const sums = await Promise.all(Array.from({ length: 40 }, () => program.run('doubling', { by: 1.25 })));
    const expected = Array.from({ length: 40 });
    let value = 1;
    for (const index of expected.keys()) {
      value = Math.fround(value * 1.25);
      expect(sums[index]?.metrics.sum).toBe(value);
    }
    program.dispose();
  });

  it('serves timers while the device works', async () => {
    const program = await programOf(engine, { doubling }, { value: tf.tensor1d([1]) });
    await program.run('doubling', { by: 1 });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    for (let step = 0; step < 300; step++) await program.run('doubling', { by: 1 });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(1);
    program.dispose();
  });

  it('takes its inputs when it is called', async () => {
    const program = await programOf(engine, { doubling }, { value: tf.tensor1d([1, 1]) });
    const by = Float32Array.of(2, 3);
    const run = () => program.run('doubling', { by: hostArray(by) });
    await run();
    const running = run();
    by.fill(100);
    expect((await running).metrics).toEqual({ sum: 13 });
    program.dispose();
  });

  it('compiles again for inputs and states of other shapes, and for nothing else', async () => {
    let captures = 0;
    const total: StepFunction = (state, { x: given }) => {
      captures++;
      const sum = tf.add(tf.sum(given as tf.Tensor), tf.sum(state.value as tf.Tensor));
      return { state, metrics: { total: sum as tf.Scalar } };
    };
    const program = await programOf(engine, { total }, { value: tf.tensor1d([1]) });
    for (const size of [2, 3, 2, 3]) {
      const { metrics } = await program.run('total', { x: hostArray(new Float32Array(size).fill(1)) });
      expect(metrics).toEqual({ total: size + 1 });
    }
    expect(captures).toBe(2);
    await program.bind({ value: tf.tensor1d([2]) });
    await program.run('total', { x: hostArray([1, 1]) });
    expect(captures).toBe(2);
    await program.run('total', { x: hostArray(Int32Array.of(1, 1)) });
    expect(captures).toBe(3);
    await program.bind({ value: tf.tensor1d([2, 2]) });
    expect((await program.run('total', { x: hostArray([1, 1]) })).metrics).toEqual({ total: 6 });
    expect(captures).toBe(4);
    program.dispose();
  });

  it('refuses what no program can run with the errors of the compiler, and runs on', async () => {
    const drops: StepFunction = () => ({ state: {}, metrics: {} });
    const program = await programOf(engine, { drops, doubling }, { value: tf.tensor1d([1]) });
    expect(await program.run('drops', {}).catch(codeAndMessage)).toBe(
      'compiler/state: a compiled function returns the state it was given, leaf for leaf in the same types; this one does not:\n  "state/value" is not returned',
    );
    const large = { dtype: 'int64', shape: [], data: BigInt64Array.of(1n << 40n) } as const;
    const tooLarge = 'compiler/input: input "by" holds 1099511627776, which does not fit int32; scale or re-index it.';
    expect(await program.run('doubling', { by: large }).catch(codeAndMessage)).toBe(tooLarge);
    const wide = { dtype: 'float64', shape: [], data: Float64Array.of(3) } as const;
    expect((await program.run('doubling', { by: wide })).metrics).toEqual({ sum: 3 });
    expect((await program.run('doubling', { by: wide })).metrics).toEqual({ sum: 9 });
    program.dispose();
  });

  it('has metrics that are numbers, integers and flags; one that is not finite at capture keeps the state', async () => {
    const mixed: StepFunction = ({ value }, { by }) => ({
      state: { value: tf.add(value as tf.Tensor, by as tf.Tensor) },
      metrics: {
        plain: 0.25 as never,
        count: tf.sum(tf.cast(value as tf.Tensor, 'int32')) as tf.Scalar,
        any: tf.any(tf.cast(value as tf.Tensor, 'bool')) as tf.Scalar,
      },
    });
    const never: StepFunction = ({ value }) => ({
      state: { value: tf.neg(value as tf.Tensor) },
      metrics: { plain: Number.POSITIVE_INFINITY as never },
    });
    const program = await programOf(engine, { mixed, never }, { value: tf.tensor1d([2, 3]) });
    expect(await program.run('mixed', { by: 1 })).toEqual({ metrics: { plain: 0.25, count: 5, any: 1 }, outputs: {} });
    expect((await program.run('never', {})).metrics).toEqual({ plain: Number.POSITIVE_INFINITY });
    expect(await valuesOf(await program.state())).toEqual({ value: [3, 4] });
    program.dispose();
  });

  it('gives outputs of every dtype and size as arrays of their own', async () => {
    const shown: StepFunction = (state, { x: given }) => ({
      state,
      metrics: {},
      outputs: {
        same: given as tf.Tensor,
        twice: tf.mul(given as tf.Tensor, 2),
        integers: tf.cast(given as tf.Tensor, 'int32'),
        flags: tf.greater(given as tf.Tensor, 1),
      },
    });
    const program = await programOf(engine, { shown }, {});
    const run = async () => (await program.run('shown', { x })).outputs;
    const [first, second] = [await run(), await run()];
    expect(first).toEqual({
      same: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 0, 2, -1, 3, 1) },
      twice: { dtype: 'float32', shape: [2, 3], data: Float32Array.of(2, 0, 4, -2, 6, 2) },
      integers: { dtype: 'int32', shape: [2, 3], data: Int32Array.of(1, 0, 2, -1, 3, 1) },
      flags: { dtype: 'bool', shape: [2, 3], data: Uint8Array.of(0, 0, 1, 0, 1, 0) },
    });
    expect(second).toEqual(first);
    expect(second.twice?.data).not.toBe(first.twice?.data);
    program.dispose();
  });

  it('ends what is under way before it is disposed of, and refuses what comes later', async () => {
    const program = await programOf(engine, { doubling }, { value: tf.tensor1d([1, 2]) });
    const runs = [2, 3].map((by) => program.run('doubling', { by }));
    program.dispose();
    program.dispose();
    expect((await Promise.all(runs)).map(({ metrics }) => metrics)).toEqual([{ sum: 6 }, { sum: 18 }]);
    const refusal = 'compiler/disposed: this program was disposed of; compile the functions again.';
    expect(await program.run('doubling', { by: 2 }).catch(codeAndMessage)).toBe(refusal);
    expect(await program.state().catch(codeAndMessage)).toBe(refusal);
    await settled();
    expect(tf.memory().numTensors).toBe(tensorsBefore);
    const { allocations, graphs } = simulatedControl().liveObjects();
    // Weights of former programs are kept for a while.
    expect([allocations, graphs]).toEqual([(await engine.describe()).weights.count, 0]);
  });

  it('runs beside others, of one engine and of two, whose memory moves as they grow', async () => {
    const other = simulatedEngine();
    const sizes = [1, 700, 5000];
    const programs = await Promise.all(
      sizes.map((size, index) =>
        (index === 1 ? other : engine).compile({ doubling }, noWeights()).then((program) => ({ size, program })),
      ),
    );
    for (const { size, program } of programs) {
      await program.bind({ value: tf.ones([size]) });
      await program.run('doubling', { by: 1 });
    }
    for (let step = 0; step < 3; step++) {
      const sums = await Promise.all(programs.map(({ program }) => program.run('doubling', { by: 2 })));
      expect(sums.map(({ metrics }) => metrics.sum)).toEqual(sizes.map((size) => size * 2 ** (step + 1)));
    }
    for (const { program } of programs) program.dispose();
    other.dispose();
  });

  it('runs operation after operation where graphs are off, to the same bits', async () => {
    const apart = simulatedEngine({ graphs: false });
    const weights = plantedWeights();
    const seen = [];
    for (const each of [engine, apart]) {
      const program = await each.compile(plantedFunctions(weights), weights);
      await program.bind(plantedState());
      const results = [];
      for (const name of ['bias', 'both', 'predict'] as const) results.push(await program.run(name, inputsOf[name]));
      seen.push([results, await valuesOf(await program.state())]);
      program.dispose();
    }
    expect(seen[1]).toEqual(seen[0]);
    weights.dispose();
    apart.dispose();
  });
});
