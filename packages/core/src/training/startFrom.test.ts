import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { toyOptions } from '../../test/toyRun.ts';
import { toyModel } from '../testing/toyModel.ts';
import { leavesOf } from '../tree.ts';
import { fineTune } from './fineTune.ts';
import { readSnapshot } from './hostSnapshot.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const heads = { targets: ['query'], modulesToSave: ['head'] };

it('begins with the values of the adapter, which stays as it was', async () => {
  const first = await fineTune(toyModel(), toyOptions(heads)).result;
  const given = { ...first.adapter.adapter.params, trained: first.adapter.trained };
  const before = await readSnapshot(given);
  const rest = { ...toyOptions(heads), schedule: 0, steps: 1, from: first.adapter };
  const second = await fineTune(toyModel(), rest).result;
  expect(await readSnapshot({ ...second.adapter.adapter.params, trained: second.adapter.trained })).toEqual(before);
  const third = await fineTune(toyModel(), { ...rest, schedule: 0.1 }).result;
  const moved = await readSnapshot({ ...third.adapter.adapter.params, trained: third.adapter.trained });
  for (const path of Object.keys(before)) expect(moved[path], path).not.toEqual(before[path]);
  second.dispose();
  third.dispose();
  expect(await readSnapshot(given)).toEqual(before);
  expect(leavesOf(given).every(([, leaf]) => !leaf.isDisposed)).toBe(true);
  first.dispose();
});

it('refuses an adapter of another run, with every difference, and one of another base', async () => {
  const { adapter, dispose } = await fineTune(toyModel(), toyOptions(heads)).result;
  const finished = [{ source: '', targets: [], params: {}, state: {} }];
  const other = { ...toyOptions({ targets: ['layer.0.query', 'embed'] }), from: { ...adapter, finished } };
  await expect(fineTune(toyModel(), other).result).rejects.toThrowErrorMatchingInlineSnapshot(`
    [PeftError: fineTune: the adapter to start from is not one of this run; give the run its strategy, targets, modulesToSave, bias and trainableTokens. A chain's links and ranks that were pruned cannot be trained further, only merged:
    - finished links: 1.
    - adapter/embed/a [7,2] is missing.
    - adapter/embed/b [2,6] is missing.
    - adapter/layer.1.query/a is not trained here.
    - adapter/layer.1.query/b is not trained here.
    - trained/head.bias is not trained here.
    - trained/head.weight is not trained here.]
  `);
  const foreign = { ...toyOptions(heads), from: adapter };
  await expect(fineTune(toyModel(2), foreign).result).rejects.toThrow('the adapter to start from was made on a base');
  dispose();
});
