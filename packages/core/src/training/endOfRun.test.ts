import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { withKnots } from '../../test/knots.ts';
import { toyOptions } from '../../test/toyRun.ts';
import { toyModel } from '../testing/toyModel.ts';
import { disposeAdapter } from '../trainedAdapter.ts';
import { fineTune } from './fineTune.ts';

beforeAll(async () => void (await tf.setBackend('cpu')));

it('of a chain holds nothing on the backend but the adapter, so that the result itself may be let go of', async () => {
  const model = toyModel();
  const before = tf.memory().numTensors;
  const { adapter, weights } = await fineTune(model, toyOptions({ strategy: withKnots(2) })).result;
  expect(adapter.finished.length).toBeGreaterThan(0);
  disposeAdapter(adapter);
  model.weights.dispose();
  expect(tf.memory().numTensors).toBe(before);
  // The merged weights are there for whoever reads them.
  expect(weights.written).toEqual(['embed.weight', 'layer.0.query.weight', 'layer.1.query.weight']);
  expect(weights.tensor('layer.0.query.weight').shape).toEqual(model.weights.get('layer.0.query.weight').shape);
  weights.dispose();
  model.weights.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
