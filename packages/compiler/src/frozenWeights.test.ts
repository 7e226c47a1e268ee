import { hostArray, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { FrozenWeights } from './frozenWeights.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

// 1, 2 and -3 as bfloat16.
const narrow = { dtype: 'bfloat16', shape: [3], data: Uint16Array.of(0x3f80, 0x4000, 0xc040) } as const;

it('are the stored arrays themselves, 16 bits widened once for all who ask', async () => {
  const stored = hostArray([1, 2, 3, 4], [2, 2]);
  const weights = new Weights([
    ['wide', stored],
    ['narrow', narrow],
  ]);
  const before = tf.memory().numTensors;
  const frozen = FrozenWeights.of(weights);
  expect(FrozenWeights.of(weights)).toBe(frozen);
  const tensors = frozen.tensors();
  expect(Object.entries(tensors).map(([path, { shape, dtype }]) => [path, shape, dtype])).toEqual([
    ['narrow', [3], 'float32'],
    ['wide', [2, 2], 'float32'],
  ]);
  expect(await frozen.arrayOf('wide')).toBe(stored.data);
  const widened = await frozen.arrayOf('narrow');
  expect(widened).toEqual(Float32Array.of(1, 2, -3));
  expect(await frozen.arrayOf('narrow')).toBe(widened);
  weights.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

it('are found anew once they are rewritten, and where an operation took them elsewhere', async () => {
  const base = new Weights([['narrow', narrow]]);
  const fork = base.fork();
  const frozen = FrozenWeights.of(fork);
  expect(frozen.versionOf('narrow')).toBe(0);
  expect(tf.tidy(() => [...tf.neg(base.tensor('narrow')).dataSync()])).toEqual([-1, -2, 3]);
  expect(await frozen.arrayOf('narrow')).toEqual(Float32Array.of(1, 2, -3));
  fork.write('narrow', { dtype: 'bfloat16', shape: [3], data: Uint16Array.of(0, 0, 0x4040) });
  expect(frozen.versionOf('narrow')).toBe(1);
  expect(await frozen.arrayOf('narrow')).toEqual(Float32Array.of(0, 0, 3));
  fork.dispose();
  base.dispose();
});
