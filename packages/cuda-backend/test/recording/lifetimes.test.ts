import { hostArray, type StepFunction, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { mostRuns } from '../../src/program/runSlots.ts';
import { doubling, noWeights, settled } from '../engine/programOf.ts';
import { recordedEngine } from './recordedEngine.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

it('runs where its memory lies now, though another program took more at the last moment', async () => {
  const recording = recordedEngine();
  const weights = noWeights();
  let isLookedAt = () => {};
  Object.defineProperty(weights, 'revision', {
    get: () => {
      isLookedAt();
      return 0;
    },
  });
  const program = await recording.engine.compile({ doubling }, weights);
  await program.bind({ value: tf.tensor1d([1, 2]) });
  await program.run('doubling', { by: 2 });
  const claim = recording.device.scratch.claim(2 ** 20);
  // The last of these waits for room.
  const runs = Array.from({ length: mostRuns + 1 }, () => program.run('doubling', { by: 2 }));
  isLookedAt = () => {
    isLookedAt = () => {};
    queueMicrotask(() => claim.ensure());
  };
  await Promise.all(runs);
  expect(recording.recorded.recording.problems).toEqual([]);
  program.dispose();
  await settled();
  claim.release();
  recording.engine.dispose();
  await settled();
  expect(recording.recorded.problems()).toEqual([]);
});

it('reads a state that somebody asked for before it goes on or ends', async () => {
  const { engine, recorded } = recordedEngine();
  const program = await engine.compile({ doubling }, noWeights());
  // Larger than what is on its way to the host at one time.
  await program.bind({ value: tf.zeros([6 * 2 ** 20]) });
  await program.run('doubling', { by: 2 });
  const current = async () => ((await program.state()) as { value: tf.Tensor }).value;
  recorded.recording.calls.length = 0;
  const before = (await current()).data();
  const run = program.run('doubling', { by: 2 });
  expect((await before).length).toBe(6 * 2 ** 20);
  await run;
  const { names } = recorded.recording;
  const copies = names.flatMap((name, index) => (name === 'cuMemcpyDtoHAsync_v2' ? [index] : []));
  expect(copies.filter((index) => index < names.indexOf('cuGraphLaunch')).length).toBe(3);
  const last = (await current()).data();
  program.dispose();
  engine.dispose();
  expect((await last).length).toBe(6 * 2 ** 20);
  await settled();
  expect(recorded.problems()).toEqual([]);
});

it('holds one copy of a weight that is written again and again', async () => {
  const recording = recordedEngine();
  const { engine } = recording;
  const base = new Weights([['w', hostArray([1, 2], [2])]]);
  const weights = base.fork();
  const sum: StepFunction = (state) => ({ state, metrics: { sum: tf.sum(weights.tensor('w')) as tf.Scalar } });
  const program = await engine.compile({ sum }, weights);
  await program.bind({});
  for (const first of [3, 4]) {
    await program.run('sum', {});
    weights.write('w', hostArray([first, 2], [2]));
    await program.run('sum', {});
    const written = weights.get('w');
    weights.write('w', written);
    await program.run('sum', {});
    expect(recording.device.weights.held).toEqual({ count: 1, bytes: 8 });
  }
  program.dispose();
  engine.dispose();
  await settled();
  expect(recording.recorded.problems()).toEqual([]);
});

it('holds no copy of a weight that was written again beyond the last program that read it, as at a knot', async () => {
  const recording = recordedEngine();
  const { engine } = recording;
  const weights = new Weights([['w', hostArray([1, 2], [2])]]).fork();
  const sum: StepFunction = (state) => ({ state, metrics: { sum: tf.sum(weights.tensor('w')) as tf.Scalar } });
  const [training, merging] = [await engine.compile({ sum }, weights), await engine.compile({ sum }, weights)];
  for (const program of [training, merging]) {
    await program.bind({});
    await program.run('sum', {});
  }
  weights.write('w', hostArray([3, 2], [2]));
  await training.run('sum', {});
  merging.dispose();
  await settled();
  expect(recording.device.weights.held).toEqual({ count: 1, bytes: 8 });
  training.dispose();
  engine.dispose();
  await settled();
  expect(recording.recorded.problems()).toEqual([]);
});

it('keeps for the next program what is as it was, and not what was written again before it ended', async () => {
  const recording = recordedEngine();
  const { engine } = recording;
  const weights = new Weights([
    ['kept', hostArray([5])],
    ['w', hostArray([1, 2], [2])],
  ]).fork();
  const sum: StepFunction = (state) => {
    const total = tf.sum(tf.mul(weights.tensor('w'), weights.tensor('kept')));
    return { state, metrics: { sum: total as tf.Scalar } };
  };
  const program = await engine.compile({ sum }, weights);
  await program.bind({});
  await program.run('sum', {});
  weights.write('w', hostArray([3, 2], [2]));
  program.dispose();
  await settled();
  expect(recording.device.weights.held).toEqual({ count: 1, bytes: 4 });
  engine.dispose();
  await settled();
  expect(recording.recorded.problems()).toEqual([]);
});

it('closes a device whose uploads nobody waited for', async () => {
  const recording = recordedEngine();
  const { engine } = recording;
  const program = await engine.compile({ doubling }, noWeights());
  // More than goes through pinned memory at one time: the turn of what held it is still watched when the program ends.
  await program.bind({ value: tf.zeros([5 * 2 ** 20]) });
  recording.recorded.fail('cuGraphInstantiateWithFlags', 2);
  await expect(program.run('doubling', { by: 2 })).rejects.toThrow('cuGraphInstantiate');
  program.dispose();
  engine.dispose();
  await settled();
  expect(recording.recorded.problems()).toEqual([]);
});
