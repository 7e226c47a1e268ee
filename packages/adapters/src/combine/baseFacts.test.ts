import { disposeAdapter } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { model } from '../../test/combine/combining.ts';
import { drawnAdapter } from '../../test/combine/drawnAdapter.ts';
import { sumAdapters } from '../sumAdapters.ts';
import { combineAdapters } from './combineAdapters.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

it('a combination and a sum of adapters know of their base what a trained adapter does', async () => {
  const facts = {
    pythonPaths: { embed: 'wte' },
    aliases: { 'tied.weight': 'embed.weight' },
    outputHead: ['head'],
    inputEmbedding: 'embed',
  };
  const base = { ...model, ...facts };
  const { adapter } = await drawnAdapter(model, 'lora', 3);
  const expected = { ...facts, modules: model.targets, fingerprint: model.weights.fingerprint() };
  const combined = await combineAdapters(base, [{ adapter, weight: 2 }]);
  const sum = await sumAdapters(base, [{ adapter, weight: 2 }]);
  expect(combined.adapter).toMatchObject(expected);
  expect(sum.adapter).toMatchObject(expected);
  sum.dispose();
  disposeAdapter(combined.adapter);
  disposeAdapter(adapter);
});
