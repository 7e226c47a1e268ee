import * as tf from '@tensorflow/tfjs';
import type { ByTarget } from './adaloraState.ts';

/** Maps the vectors of all targets, joined in path order, to one of the same length, and parts it again. */
export function overAllTargets(
  vectors: ByTarget<tf.Tensor>,
  map: (joined: tf.Tensor) => tf.Tensor,
): ByTarget<tf.Tensor> {
  const paths = Object.keys(vectors).sort();
  const parts = paths.map((path) => vectors[path] as tf.Tensor1D);
  const mapped = map(parts.length === 1 ? (parts[0] as tf.Tensor1D) : tf.concat(parts));
  let from = 0;
  return Object.fromEntries(
    paths.map((path, index) => {
      const { size } = parts[index] as tf.Tensor1D;
      from += size;
      return [path, tf.slice(mapped, [from - size], [size])];
    }),
  );
}
