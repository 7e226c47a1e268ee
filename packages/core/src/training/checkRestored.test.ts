import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { toyOptions } from '../../test/toyRun.ts';
import { hostArray } from '../hostArray.ts';
import { toyModel } from '../testing/toyModel.ts';
import { fineTune } from './fineTune.ts';

it('a tensor of no part of a run is refused, and no tensor of the state stays', async () => {
  await tf.setBackend('cpu');
  const run = fineTune(toyModel(), toyOptions());
  (await run.result).dispose();
  const state = await run.state();
  const model = toyModel();
  const before = tf.memory().numTensors;
  const resume = { ...state, tensors: { ...state.tensors, 'strategie/average': hostArray([1, 2], [1, 2]) } };
  await expect(fineTune(model, toyOptions({ resume })).result).rejects.toThrow(
    'the training state of step 6 is not whole or belongs to another run; resume from another save:\n- strategie/average is of no part of a run.',
  );
  model.weights.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
