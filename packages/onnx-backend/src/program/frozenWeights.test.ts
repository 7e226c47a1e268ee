import { type HostArray, hostArray, type Program, type StepFunction, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compiledOf, noWeights, settled } from '../../test/programs.ts';

let tensorsBefore = 0;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
});

describe('weights', () => {
  const predict =
    (weights: Weights): StepFunction =>
    (state, { x: given }) => ({
      state,
      metrics: {},
      outputs: { y: tf.matMul(given as tf.Tensor2D, weights.tensor('w') as tf.Tensor2D) },
    });
  const predicted = async (program: Program<'predict'>) =>
    (await program.run('predict', { x: hostArray([1, 1], [1, 2]) })).outputs.y?.data;

  it('are read where they are, and again once they are rewritten', async () => {
    const base = new Weights([['w', hostArray([1, 2, 3, 4], [2, 2])]]);
    const fork = base.fork();
    const program = await compiledOf({ predict: predict(fork) }, {}, fork);
    expect(await predicted(program)).toEqual(Float32Array.of(4, 6));
    fork.write('w', hostArray([10, 20, 30, 40], [2, 2]));
    expect(await predicted(program)).toEqual(Float32Array.of(40, 60));
    program.dispose();
    fork.dispose();
    base.dispose();
    await settled();
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('of 16 bits are widened once for all programs, those uploaded before are found', async () => {
    // 1, 2, 3 and 4 as bfloat16.
    const bits = Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080);
    let reads = 0;
    const counted: HostArray = {
      dtype: 'bfloat16',
      shape: [2, 2],
      get data() {
        reads++;
        return bits;
      },
    };
    const weights = new Weights([['w', counted]]);
    const fork = weights.fork();
    const uploaded = new Weights([['w', hostArray([1, 2, 3, 4], [2, 2])]]);
    expect(uploaded.tensor('w').shape).toEqual([2, 2]);
    for (const each of [weights, weights, fork, uploaded]) {
      const program = await compiledOf({ predict: predict(each) }, {}, each);
      expect(await predicted(program)).toEqual(Float32Array.of(4, 6));
      program.dispose();
    }
    // Eager operations read them too.
    const sum = tf.tidy(() => tf.sum(weights.tensor('w')));
    expect([...sum.dataSync(), reads]).toEqual([10, 1]);
    for (const each of [sum, fork, weights, uploaded]) each.dispose();
    await settled();
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });

  it('and tensors made before a capture that are no weights are read once', async () => {
    const shift = tf.tensor1d([1, 2]);
    const shifted: StepFunction = (state, { by }) => ({
      state,
      metrics: {},
      outputs: { y: tf.add(shift, by as tf.Tensor) },
    });
    const program = await compiledOf({ shifted }, {}, noWeights());
    for (const by of [1, 2]) {
      expect((await program.run('shifted', { by })).outputs.y?.data).toEqual(Float32Array.of(1 + by, 2 + by));
    }
    program.dispose();
    shift.dispose();
  });
});
