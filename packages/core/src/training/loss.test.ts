import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { hostArray, toTensor } from '../hostArray.ts';
import { classification, type HostBatch, type Loss, regression } from './loss.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const logits = () =>
  tf.tensor3d([
    [
      [2, 0, 0],
      [0, 2, 0],
    ],
    [
      [0, 0, 2],
      [1, 1, 0],
    ],
  ]);
const labelled = (values: readonly number[]): HostBatch => ({ labels: hostArray(Int32Array.from(values), [2, 2]) });

function figures(loss: Loss, output: tf.Tensor, batch: HostBatch) {
  return tf.tidy(() => {
    const tensors = Object.fromEntries(Object.entries(batch).map(([name, array]) => [name, toTensor(array)]));
    const metrics = Object.entries(loss.metrics ?? {}).map(([name, sum]) => [name, sum(output, tensors).dataSync()[0]]);
    return { count: loss.count(batch), sum: loss.sum(output, tensors).dataSync()[0], ...Object.fromEntries(metrics) };
  });
}

const crossEntropy = (row: readonly number[], label: number) =>
  Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0)) - (row[label] as number);

describe('classification', () => {
  it('sums the cross-entropy of counted rows, with the number of right ones', () => {
    const found = figures(classification(), logits(), labelled([0, 0, 2, 2]));
    const expected =
      crossEntropy([2, 0, 0], 0) + crossEntropy([0, 2, 0], 0) + crossEntropy([0, 0, 2], 2) + crossEntropy([1, 1, 0], 2);
    expect(found).toMatchObject({ count: 4, accuracy: 2 });
    expect(found.sum).toBeCloseTo(expected, 5);
  });

  it('leaves ignored rows out of loss, count and accuracy, also when the ignored label is a class', () => {
    const found = figures(classification(), logits(), labelled([-100, 1, -100, 0]));
    expect(found).toMatchObject({ count: 2, accuracy: 2 });
    expect(found.sum).toBeCloseTo(crossEntropy([0, 2, 0], 1) + crossEntropy([1, 1, 0], 0), 5);
    const padded = figures(classification({ ignore: 0 }), logits(), labelled([0, 1, 0, 0]));
    expect(padded).toMatchObject({ count: 1, accuracy: 1 });
    expect(padded.sum).toBeCloseTo(crossEntropy([0, 2, 0], 1), 5);
  });

  it('refuses labels below 0 or beyond the classes, in a column of any name', () => {
    const { check } = classification({ labels: 'intent', ignore: -1 });
    const batch = (values: readonly number[]) => ({ intent: hostArray(Int32Array.from(values)) });
    expect(() => check?.(batch([-1, 2]), 3)).not.toThrow();
    expect(() => check?.(batch([0, 1_000_000]), undefined)).not.toThrow();
    expect(() => check?.(batch([0, -2]), undefined)).toThrow(
      'batch column "intent" holds label -2 at position 1; labels are whole numbers from 0 on, or -1 to ignore a row.',
    );
    expect(() => check?.({ label: hostArray([0]) }, 3)).toThrow('the batch has no column "intent"; it has label.');
  });
});

describe('regression', () => {
  it('sums squared differences over all elements', () => {
    const batch = { y: hostArray([1, 2, 3, 4], [2, 2]) };
    expect(
      figures(
        regression({ targets: 'y' }),
        tf.tensor2d([
          [1, 1],
          [1, 1],
        ]),
        batch,
      ),
    ).toEqual({ count: 4, sum: 14 });
  });
});
