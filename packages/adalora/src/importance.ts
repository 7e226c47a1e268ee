import * as tf from '@tensorflow/tfjs';
import type { ByTarget, ImportanceAverages, Triplets } from './adaloraState.ts';
import { importanceUpdate } from './importanceUpdate.ts';
import { tripletScore } from './tripletScore.ts';

const leaves = ['a', 'lambda', 'b'] as const;

type Updated = ReturnType<typeof importanceUpdate>;

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
  const updated = Object.entries(params).map(([path, triplets]) => {
    const [a, lambda, b] = leaves.map((name) =>
      importanceUpdate({
        param: triplets[name],
        grad: leafOf(grads, path, name),
        sensitivity: leafOf(averages.sensitivity, path, name),
        uncertainty: leafOf(averages.uncertainty, path, name),
        sensitivityRate,
        uncertaintyRate,
      }),
    ) as [Updated, Updated, Updated];
    return [path, { a, lambda, b }] as const;
  });
  const part = (name: keyof Updated) =>
    Object.fromEntries(
      updated.map(([path, { a, lambda, b }]) => [path, { a: a[name], lambda: lambda[name], b: b[name] }]),
    );
  return { sensitivity: part('sensitivity'), uncertainty: part('uncertainty') };
}

/** Score of each triplet: that of its lambda plus the mean scores of its column of `a` and row of `b`; [r] per target. */
export function tripletScores({ sensitivity, uncertainty }: ImportanceAverages): ByTarget<tf.Tensor> {
  return Object.fromEntries(
    Object.entries(sensitivity).map(([path, triplets]) => [
      path,
      tripletScore(triplets, uncertainty[path] as Triplets),
    ]),
  );
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
