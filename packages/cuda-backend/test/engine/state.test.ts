import type { StepFunction } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl } from '../simulator/simulatedLibraries.ts';
import { doubling, programOf, settled, valuesOf } from './programOf.ts';
import { simulatedEngine } from './simulatedEngine.ts';

simulated('the state of a program on the simulated device', () => {
  const engine = simulatedEngine();
  let tensorsBefore = 0;

  beforeAll(async () => {
    await tf.setBackend('cpu');
    simulatedControl().configure();
  });

  beforeEach(() => {
    tensorsBefore = tf.memory().numTensors;
  });

  it('stays as it was where a metric is not finite', async () => {
    const program = await programOf(engine, { doubling }, { value: tf.tensor1d([1, 2]) });
    await program.run('doubling', { by: 2 });
    for (const by of [Number.POSITIVE_INFINITY, Number.NaN]) {
      expect((await program.run('doubling', { by })).metrics).toEqual({ sum: by });
      expect(await valuesOf(await program.state())).toEqual({ value: [2, 4] });
    }
    const runs = [2, Number.NaN, 3].map((by) => program.run('doubling', { by }));
    expect((await Promise.all(runs)).map(({ metrics }) => metrics.sum)).toEqual([12, Number.NaN, 36]);
    program.dispose();
  });

  it('is the tensors that were bound until a run replaces them, and never on the device without a run', async () => {
    const control = simulatedControl();
    const [value, fixed] = [tf.tensor1d([1, 2]), tf.tensor1d([3])];
    const program = await programOf(engine, { doubling }, { value, fixed, count: 7 });
    control.forgetCalls();
    expect(await program.state()).toEqual({ value, fixed, count: 7 });
    expect(((await program.state()) as { value: unknown }).value).toBe(value);
    expect([control.calls('cuMemAlloc_v2'), control.calls('cuMemcpyHtoDAsync_v2')]).toEqual([0, 0]);
    await program.run('doubling', { by: 2 });
    const { value: next, fixed: same } = (await program.state()) as { value: tf.Tensor; fixed: tf.Tensor };
    expect([value.isDisposed, same === fixed, fixed.isDisposed]).toEqual([true, true, false]);
    await program.run('doubling', { by: 2 });
    expect(next.isDisposed).toBe(true);
    program.dispose();
    await settled();
    expect(fixed.isDisposed).toBe(true);
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('costs nothing to look at, and its tensors are read when somebody asks for their values', async () => {
    const control = simulatedControl();
    const program = await programOf(engine, { doubling }, { value: tf.tensor1d([1, 2]), fixed: tf.tensor1d([3]) });
    await program.run('doubling', { by: 2 });
    control.forgetCalls();
    const tensors = tf.memory().numTensors;
    const state = (await program.state()) as { value: tf.Tensor };
    expect([tf.memory().numTensors - tensors, control.calls('cuMemcpyDtoHAsync_v2')]).toEqual([0, 0]);
    expect([...state.value.dataSync(), ...(await state.value.data())]).toEqual([2, 4, 2, 4]);
    expect(control.calls('cuMemcpyDtoHAsync_v2')).toBe(1);
    expect(tf.tidy(() => [...tf.add(state.value, 1).dataSync()])).toEqual([3, 5]);
    program.dispose();
  });

  it('brings to the device only what changed when it is bound again', async () => {
    const control = simulatedControl();
    const state = { value: tf.tensor1d([1, 2]), other: tf.tensor1d([3]) };
    const program = await programOf(engine, { doubling }, state);
    await program.run('doubling', { by: 2 });
    control.forgetCalls();
    await program.bind({ ...(await program.state()), other: tf.tensor1d([5]) });
    await program.run('doubling', { by: 2 });
    // The new leaf, and the inputs of the run.
    expect(control.calls('cuMemcpyHtoDAsync_v2')).toBe(2);
    expect(control.calls('cuMemcpyDtoHAsync_v2')).toBe(1);
    expect(await valuesOf(await program.state())).toEqual({ value: [4, 8], other: [5] });
    program.dispose();
  });

  it('outlives the program that released it, and no later run writes into it', async () => {
    const program = await programOf(engine, { doubling }, { value: tf.tensor1d([1, 2]) });
    for (let step = 0; step < 3; step++) await program.run('doubling', { by: 2 });
    const seen = ((await program.state()) as { value: tf.Tensor }).value;
    const released = (await program.release()) as { value: tf.Tensor };
    expect(released.value).toBe(seen);
    expect(await valuesOf(await program.state())).toEqual({});
    await program.bind({ value: tf.tensor1d([5, 5]) });
    for (let step = 0; step < 3; step++) await program.run('doubling', { by: 3 });
    program.dispose();
    await settled();
    expect(simulatedControl().liveObjects().allocations).toBe(0);
    expect(await valuesOf(released)).toEqual({ value: [8, 16] });
    released.value.dispose();
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('that somebody cloned is not written again', async () => {
    const program = await programOf(engine, { doubling }, { value: tf.tensor1d([1, 2]) });
    await program.run('doubling', { by: 2 });
    const clone = tf.clone(((await program.state()) as { value: tf.Tensor }).value);
    for (let step = 0; step < 2; step++) await program.run('doubling', { by: 2 });
    expect([...clone.dataSync()]).toEqual([2, 4]);
    clone.dispose();
    program.dispose();
  });

  it("may be bound with leaves in each other's places after any number of runs", async () => {
    const both: StepFunction = ({ a, b }) => ({
      state: { a: tf.add(a as tf.Tensor, 1), b: tf.mul(b as tf.Tensor, 2) },
      metrics: {},
    });
    const program = await programOf(engine, { both }, { a: tf.scalar(1), b: tf.scalar(10) });
    for (let step = 0; step < 4; step++) await program.run('both', {});
    const { a, b } = (await program.state()) as { a: tf.Tensor; b: tf.Tensor };
    await program.bind({ a: b, b: a });
    for (let step = 0; step < 2; step++) await program.run('both', {});
    expect(await valuesOf(await program.state())).toEqual({ a: [162], b: [20] });
    const moved = (await program.state()) as { a: tf.Tensor; b: tf.Tensor };
    await program.bind({ a: tf.scalar(-5), b: moved.a });
    await program.run('both', {});
    expect(await valuesOf(await program.state())).toEqual({ a: [-4], b: [324] });
    program.dispose();
  });

  it('takes tensors that moved, tensors used twice, and tensors of another shape', async () => {
    const swap: StepFunction = ({ a, b }) => ({
      state: { a: tf.add(b as tf.Tensor, 1), b: a as tf.Tensor },
      metrics: {},
    });
    const program = await programOf(engine, { swap }, { a: tf.scalar(1), b: tf.scalar(2) });
    await program.run('swap', {});
    expect(await valuesOf(await program.state())).toEqual({ a: [3], b: [1] });
    const { a, b } = (await program.state()) as { a: tf.Tensor; b: tf.Tensor };
    await program.bind({ a: b, b: a });
    await program.run('swap', {});
    expect(await valuesOf(await program.state())).toEqual({ a: [4], b: [1] });
    const one = tf.tensor1d([1, 2, 3]);
    await program.bind({ a: one, b: one });
    await program.run('swap', {});
    expect(await valuesOf(await program.state())).toEqual({ a: [2, 3, 4], b: [1, 2, 3] });
    const { a: twice } = (await program.state()) as { a: tf.Tensor };
    await program.bind({ a: twice, b: twice });
    await program.run('swap', {});
    expect(await valuesOf(await program.state())).toEqual({ a: [3, 4, 5], b: [2, 3, 4] });
    program.dispose();
    await settled();
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('keeps integers and booleans, and leaves of more bytes than one block of the device copies', async () => {
    const count: StepFunction = ({ steps, flags, large }) => ({
      state: {
        steps: tf.add(steps as tf.Tensor, tf.scalar(1, 'int32')),
        flags: tf.logicalNot(flags as tf.Tensor),
        large: tf.add(large as tf.Tensor, 1),
      },
      metrics: {},
    });
    const state = {
      steps: tf.scalar(3, 'int32'),
      flags: tf.tensor1d([1, 0, 1], 'bool'),
      large: tf.range(0, 10001),
    };
    const program = await programOf(engine, { count }, state);
    await program.run('count', {});
    const next = (await program.state()) as { steps: tf.Tensor; flags: tf.Tensor; large: tf.Tensor };
    expect([next.steps.dtype, next.flags.dtype]).toEqual(['int32', 'bool']);
    const { steps, flags, large } = (await valuesOf(next)) as Record<'steps' | 'flags' | 'large', number[]>;
    expect({ steps, flags }).toEqual({ steps: [4], flags: [0, 1, 0] });
    expect(large).toEqual(Array.from({ length: 10001 }, (_, index) => index + 1));
    program.dispose();
  });
});
