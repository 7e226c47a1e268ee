import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { d2StateBytes } from './claims/d2StateBytes.ts';
import { d3ChainMemory } from './claims/d3ChainMemory.ts';
import { d4StepDownBytes } from './claims/d4StepDownBytes.ts';
import { e1ChainsCanDiverge } from './claims/e1ChainsCanDiverge.ts';
import { claims } from './claims.ts';
import { approximate } from './problems/approximation.ts';
import { plainLora } from './problems/digitsMethods.ts';
import { searchRanks } from './problems/rankSearch.ts';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

test.each([d2StateBytes, d3ChainMemory, d4StepDownBytes, e1ChainsCanDiverge])('$id holds', async (claim) => {
  const { rows } = await claim.run({ seeds: 3, progress: () => {} });
  expect(rows.filter(({ passed }) => passed === false)).toEqual([]);
  expect(rows.some(({ passed }) => passed)).toBe(true);
});

test('measuring leaves no tensor behind', async () => {
  const before = tf.memory().numTensors;
  const [residual] = await approximate({ strategy: plainLora(2), seed: 1, steps: 5, learningRate: 0.02, ranks: [2] });
  expect(residual).toBeGreaterThan(0.4461);
  const { ranks } = await searchRanks({ ranks: [2, 0], strategy: plainLora(1), seed: 1, steps: 2 });
  expect(ranks).toEqual([]);
  expect(tf.memory().numTensors).toBe(before);
});

test('claims have ids of their own, and rows begin with them', async () => {
  const ids = claims.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const { rows } = await d2StateBytes.run({ seeds: 0, progress: () => {} });
  expect(rows.every(({ id }) => id.startsWith('D2.'))).toBe(true);
});
