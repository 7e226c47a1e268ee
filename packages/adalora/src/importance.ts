import * as tf from '@tensorflow/tfjs';
import type { ByTarget, ImportanceAverages, Triplets } from './adaloraState.ts';

const leaves = ['a', 'lambda', 'b'] as const;

/** Averages that have seen nothing. */
export function noImportance(params: ByTarget<Triplets>): ImportanceAverages {
  const zeros = () => overTriplets(params, (leaf) => tf.zerosLike(leaf));
  return { sensitivity: zeros(), uncertainty: zeros() };
}

export type ImportanceCall = {
  readonly params: ByTarget<Triplets>;
  readonly grads: ByTarget<Triplets>;
  readonly averages: ImportanceAverages;
  /** 1 - beta1 and 1 - beta2 as 0-d tensors; 0 leaves the averages as they are. */
  readonly sensitivityRate: tf.Tensor;
  readonly uncertaintyRate: tf.Tensor;
};

/**
 * One step of the averages: importance |w g|, its mean, and the mean distance from that mean as it is after this step.
 * Nothing corrects the bias of the zero start.
 */
export function averageImportance(call: ImportanceCall): ImportanceAverages {
  const { params, grads, averages, sensitivityRate, uncertaintyRate } = call;
  const importance = overTriplets(params, (weight, path, name) => tf.abs(tf.mul(weight, leafOf(grads, path, name))));
  const sensitivity = overTriplets(importance, (value, path, name) =>
    towards(leafOf(averages.sensitivity, path, name), value, sensitivityRate),
  );
  const uncertainty = overTriplets(importance, (value, path, name) => {
    const distance = tf.abs(tf.sub(value, leafOf(sensitivity, path, name)));
    return towards(leafOf(averages.uncertainty, path, name), distance, uncertaintyRate);
  });
  return { sensitivity, uncertainty };
}

/** Score of each triplet: that of its lambda plus the mean scores of its column of `a` and row of `b`; [r] per target. */
export function tripletScores({ sensitivity, uncertainty }: ImportanceAverages): ByTarget<tf.Tensor> {
  const scores = overTriplets(sensitivity, (mean, path, name) => tf.mul(mean, leafOf(uncertainty, path, name)));
  return Object.fromEntries(
    Object.entries(scores).map(([path, { a, lambda, b }]) => [
      path,
      tf.add(lambda, tf.add(tf.mean(a, 0), tf.mean(b, 1))),
    ]),
  );
}

function towards(average: tf.Tensor, value: tf.Tensor, rate: tf.Tensor): tf.Tensor {
  return tf.add(average, tf.mul(rate, tf.sub(value, average)));
}

function overTriplets(
  tree: ByTarget<Triplets>,
  map: (leaf: tf.Tensor, path: string, name: keyof Triplets) => tf.Tensor,
): ByTarget<Triplets> {
  return Object.fromEntries(
    Object.entries(tree).map(([path, triplets]) => {
      const [a, lambda, b] = leaves.map((name) => map(triplets[name], path, name)) as [tf.Tensor, tf.Tensor, tf.Tensor];
      return [path, { a, lambda, b }];
    }),
  );
}

function leafOf(tree: ByTarget<Triplets>, path: string, name: keyof Triplets): tf.Tensor {
  return (tree[path] as Triplets)[name];
}
