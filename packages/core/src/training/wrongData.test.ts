import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { refusal, trainWith, type WrongCall } from '../../test/refusals.ts';
import { hostArray } from '../hostArray.ts';
import { toyBatches } from '../testing/lawRun.ts';
import { toyData } from '../testing/toyModel.ts';
import { batches } from './dataSource.ts';
import { classification } from './loss.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const columns = toyData();

const cases: readonly WrongCall[] = [
  [
    'no data',
    trainWith({ data: undefined }),
    'option/conflict: fineTune: data is neither a data source nor an iterable of batches; pass one, for example batches(columns, { batchSize }).',
  ],
  [
    'the columns themselves as evaluation data',
    trainWith({ evaluation: { data: columns } }),
    'option/conflict: fineTune: evaluation.data is neither a data source nor an iterable of batches; pass one, for example batches(columns, { batchSize }).',
  ],
  ['no columns', () => batches({}, { batchSize: 1 }), 'data/empty: batches: no columns were given; pass at least one.'],
  [
    'plain arrays as columns',
    () => batches({ x: [[1], [2]] } as never, { batchSize: 1 }),
    'data/not-an-array: batches: column "x" is not a host array; pass { dtype, shape, data } (hostArray() makes one).',
  ],
  [
    'no size of a batch',
    () => batches(columns, undefined as never),
    'option/range: batches: batchSize is undefined; it must be a whole number at least 1.',
  ],
  [
    'no rows',
    () => batches({ x: hostArray([], [0]) }, { batchSize: 1 }),
    'data/empty: batches: 0 rows make no batch of 1; add rows or lower batchSize.',
  ],
  [
    'too few rows',
    () => batches({ x: hostArray([1]) }, { batchSize: 2, dropLast: true }),
    'data/empty: batches: 1 rows make no batch of 2 with dropLast; add rows or lower batchSize.',
  ],
  [
    'batches of none',
    () => batches(columns, { batchSize: 0 }),
    'option/range: batches: batchSize is 0; it must be a whole number at least 1.',
  ],
  [
    'columns of different lengths',
    () => batches({ x: hostArray([1, 2]), y: hostArray([1]) }, { batchSize: 1 }),
    'data/rows: batches: columns differ in rows: "x" 2, "y" 1; every column needs one row per example.',
  ],
  [
    'a column that lies about its shape',
    () => batches({ x: { dtype: 'float32', shape: [3], data: new Float32Array(2) } }, { batchSize: 1 }),
    'data/shape: batches: column "x" has 2 values but shape [3].',
  ],
  [
    'an array that lies about its shape',
    () => hostArray([1, 2, 3], [2, 2]),
    'data/shape: an array of 3 values cannot have shape [2,2] (4 values); pass the shape of the data.',
  ],
  [
    'a plain array in a batch',
    trainWith({ data: [{ ids: [1, 2] }] }),
    'data/not-an-array: column "ids" of batch 0, epoch 0, is not a host array; pass { dtype, shape, data } (hostArray() makes one).',
  ],
  [
    'a batch that lies about its shape',
    trainWith({ data: [{ ids: { dtype: 'int32', shape: [2, 2], data: new Int32Array(2) } }] }),
    'data/shape: column "ids" of batch 0, epoch 0, has 2 values but shape [2,2] (4); fix the shape or the values.',
  ],
  [
    'no column of targets',
    trainWith({ data: [{ ids: columns.ids }] }),
    'data/column: the batch has no column "targets"; it has ids.',
  ],
  [
    'targets of another shape than the output',
    trainWith({ data: [{ ...columns, targets: hostArray(new Float32Array(24 * 2), [24, 2]) }] }),
    'data/shape: batch column "targets" has shape [24,2] but the model\'s output has [24,2,3]; regression compares them element by element.',
  ],
  [
    'integers as regression targets',
    trainWith({ data: [{ ...columns, targets: columns.ids }] }),
    'data/targets: batch column "targets" is int32; regression targets must be floats.',
  ],
  [
    'floats as labels',
    trainWith({ loss: classification({ labels: 'targets' }) }),
    'data/labels: batch column "targets" is float32; class indices must be int32.',
  ],
  [
    'an iterable that is too short',
    trainWith({ data: toyBatches().slice(0, 2) }),
    'data/exhausted: the data ended after 2 batches of epoch 0; a plain iterable is read once: give it enough batches for all steps, or pass a data source such as batches().',
  ],
  [
    'a source without batches',
    trainWith({ data: { batches: () => [] } }),
    'data/exhausted: the data ended after 0 batches of epoch 0; an epoch needs at least one batch.',
  ],
  [
    'epochs over an iterable',
    trainWith({ steps: undefined, epochs: 1, data: toyBatches() }),
    'option/epochs: fineTune: epochs needs a data source that knows its batchesPerEpoch; pass steps instead.',
  ],
  [
    'evaluation data that is read up',
    trainWith({ evaluation: { data: once(), every: 1 } }),
    'data/empty: the evaluation data has no counted items; pass a source that can be read more than once, such as batches().',
  ],
  [
    'a batch of ignored labels',
    trainWith(labelled(-100)),
    'data/no-counted: step 1: every item of the batch is ignored, so there is nothing to learn from; drop such batches.',
  ],
  [
    'a label beyond the classes',
    trainWith(labelled(3)),
    'data/labels: batch column "labels" holds label 3 at position 0; the model has 3 classes, so labels are 0 to 2, or -100 to ignore a row.',
  ],
];

it.each(cases)('%s', async (_what, call, says) => {
  expect(await refusal(call)).toBe(says);
});

function* once() {
  yield* toyBatches();
}

function labelled(label: number) {
  const labels = hostArray(new Int32Array(48).fill(label), [24, 2]);
  return { loss: classification(), data: [{ ids: columns.ids, labels }] };
}
