import type { AnyModel, HostArray, HostBatch, TensorBatch } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import type { ChosenWeights } from './adapterChoice.ts';
import { placesOfRows, type RowGroup, requireOutputRows, tensorsWithRows } from './batchRows.ts';
import { inOrder, takeRows } from './hostRows.ts';

/** A batch's rows by what they choose. */
export type Mixed = { readonly model: AnyModel; readonly groups: readonly RowGroup[]; readonly count: number };

/** The output of a batch whose groups of rows go through `run` one after another, in the order of the batch. */
export function mixTensors(
  { model, groups, count }: Mixed,
  batch: TensorBatch,
  run: (batch: TensorBatch, weights: ChosenWeights) => tf.Tensor,
): tf.Tensor {
  const split = tensorsWithRows(model, batch, count);
  const [only, ...more] = groups;
  if (only && more.length === 0) return run(batch, only.weights);
  return tf.tidy(() => {
    const outputs = groups.map(({ rows, weights }) => {
      const places = tf.tensor1d([...rows], 'int32');
      const output = run(
        mapBatch(batch, split, (tensor) => tf.gather(tensor, places)),
        weights,
      );
      requireOutputRows(output.shape, rows.length);
      return output;
    });
    return tf.gather(tf.concat(outputs, 0), tf.tensor1d(placesOfRows(groups), 'int32'));
  });
}

/** The same on the host; `lengthOf` says to how many rows a group is padded. */
export async function mixArrays(
  { model, groups, count, lengthOf }: Mixed & { readonly lengthOf: (rows: number) => number },
  batch: HostBatch,
  run: (batch: HostBatch, weights: ChosenWeights) => Promise<HostArray>,
): Promise<HostArray> {
  const split = tensorsWithRows(model, batch, count);
  const [only, ...more] = groups;
  if (only && more.length === 0) return run(batch, only.weights);
  const outputs: HostArray[] = [];
  for (const { rows, weights } of groups) {
    const length = lengthOf(rows.length);
    const output = await run(
      mapBatch(batch, split, (array) => takeRows(array, rows, length)),
      weights,
    );
    requireOutputRows(output.shape, length);
    outputs.push(output);
  }
  return inOrder(outputs, groups);
}

function mapBatch<Value>(
  batch: Readonly<Record<string, Value>>,
  split: ReadonlySet<string>,
  take: (value: Value) => Value,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    Object.entries(batch).map(([name, value]) => [name, split.has(name) ? take(value) : value]),
  );
}
