import type { StepFunction } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compiledOf, doubling, noWeights, settled, valuesOf } from '../../test/programs.ts';

let tensorsBefore = 0;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});

describe('the state of a compiled program', () => {
  it('stays as it was where a metric is not finite', async () => {
    const program = await compiledOf({ doubling }, { value: tf.tensor1d([1, 2]) }, noWeights());
    await program.run('doubling', { by: 2 });
    expect((await program.run('doubling', { by: Number.POSITIVE_INFINITY })).metrics).toEqual({
      sum: Number.POSITIVE_INFINITY,
    });
    expect(await valuesOf(await program.state())).toEqual({ value: [2, 4] });
    expect((await program.run('doubling', { by: 2 })).metrics).toEqual({ sum: 12 });
    program.dispose();
  });

  it('is the tensors that were bound until a run replaces them', async () => {
    const [value, fixed] = [tf.tensor1d([1, 2]), tf.tensor1d([3])];
    const program = await compiledOf({ doubling }, { value, fixed, count: 7 }, noWeights());
    expect(await program.state()).toEqual({ value, fixed, count: 7 });
    expect(((await program.state()) as { value: unknown }).value).toBe(value);
    await program.run('doubling', { by: 2 });
    const state = (await program.state()) as { value: tf.Tensor; fixed: tf.Tensor };
    expect(value.isDisposed).toBe(true);
    expect(state.fixed).toBe(fixed);
    expect(fixed.isDisposed).toBe(false);
    await program.run('doubling', { by: 2 });
    expect(state.value.isDisposed).toBe(true);
    program.dispose();
    await settled();
    expect(fixed.isDisposed).toBe(true);
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('outlives the program that released it, and no later run writes into it', async () => {
    const program = await compiledOf({ doubling }, { value: tf.tensor1d([1, 2]) }, noWeights());
    for (let step = 0; step < 3; step++) await program.run('doubling', { by: 2 });
    const released = (await program.release()) as { value: tf.Tensor };
    expect(await valuesOf(await program.state())).toEqual({});
    await program.bind({ value: tf.tensor1d([5, 5]) });
    for (let step = 0; step < 3; step++) await program.run('doubling', { by: 3 });
    program.dispose();
    await settled();
    expect(await valuesOf(released)).toEqual({ value: [8, 16] });
    expect([...tf.tidy(() => tf.add(released.value, 1)).dataSync()]).toEqual([9, 17]);
    released.value.dispose();
  });

  it('that somebody cloned is not written again', async () => {
    const program = await compiledOf({ doubling }, { value: tf.tensor1d([1, 2]) }, noWeights());
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
    const program = await compiledOf({ both }, { a: tf.scalar(1), b: tf.scalar(10) }, noWeights());
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
    const program = await compiledOf({ swap }, { a: tf.scalar(1), b: tf.scalar(2) }, noWeights());
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
    program.dispose();
    await settled();
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('keeps integers and booleans', async () => {
    const count: StepFunction = ({ steps, flags }) => ({
      state: { steps: tf.add(steps as tf.Tensor, tf.scalar(1, 'int32')), flags: tf.logicalNot(flags as tf.Tensor) },
      metrics: {},
    });
    const state = { steps: tf.scalar(3, 'int32'), flags: tf.tensor1d([1, 0], 'bool') };
    const program = await compiledOf({ count }, state, noWeights());
    await program.run('count', {});
    const next = (await program.state()) as { steps: tf.Tensor; flags: tf.Tensor };
    expect([next.steps.dtype, next.flags.dtype]).toEqual(['int32', 'bool']);
    expect(await valuesOf(next)).toEqual({ steps: [4], flags: [0, 1] });
    program.dispose();
  });
});
