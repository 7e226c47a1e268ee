import { mapLeaves, type Snapshot, type TrainedAdapter, type Tree } from '@peft/core';
import * as tf from '@tensorflow/tfjs';

/** The same adapter on tensors of its own, which the caller owns. */
export function copyOf(trained: TrainedAdapter): TrainedAdapter {
  const copy = <T extends Snapshot>(tree: T) =>
    mapLeaves(tree, (leaf) => (typeof leaf === 'number' ? leaf : tf.clone(leaf))) as T;
  return {
    ...trained,
    adapter: { params: copy(trained.adapter.params as Tree), state: copy(trained.adapter.state) },
    trained: copy(trained.trained),
    tokenRows: Object.fromEntries(
      Object.entries(trained.tokenRows).map(([table, { rows, ...rest }]) => [table, { ...rest, rows: tf.clone(rows) }]),
    ),
  };
}
