import * as tf from '@tensorflow/tfjs';
import { fromTensor, type HostArray, toTensor } from '../hostArray.ts';
import { leavesOf, type Snapshot, treeOf } from '../tree.ts';

/** A snapshot read back: arrays and numbers by leaf path. */
export type HostSnapshot = Readonly<Record<string, HostArray | number>>;

/** Reads every tensor of a snapshot; the tensors stay the caller's. */
export async function readSnapshot(snapshot: Snapshot): Promise<HostSnapshot> {
  const read: [string, HostArray | number][] = [];
  for (const [path, leaf] of leavesOf(snapshot)) {
    read.push([path, typeof leaf === 'number' ? leaf : await fromTensor(leaf)]);
  }
  return Object.fromEntries(read);
}

/** Uploads a snapshot; the caller owns the tensors, and there are none where an upload fails. */
export function uploadSnapshot(host: HostSnapshot): Snapshot {
  return tf.tidy(() =>
    treeOf(Object.entries(host).map(([path, leaf]) => [path, typeof leaf === 'number' ? leaf : toTensor(leaf)])),
  );
}
