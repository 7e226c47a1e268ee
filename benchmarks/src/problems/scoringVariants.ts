import {
  type AdaLoraOptions,
  type AdaLoraState,
  type AdaLoraStrategy,
  adalora,
  type ByTarget,
  globalTop,
  type RankAllocator,
  type Triplets,
} from '@peft/adalora';
import { mapTree, type Strategy } from '@peft/core';
import { matMul } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';

/** Keeps the triplets with the largest lambda, whatever their importance. */
const byMagnitude: RankAllocator = {
  name: 'magnitude',
  allocate: ({ params, budget }) =>
    globalTop.allocate({
      params,
      budget,
      scores: Object.fromEntries(Object.entries(params).map(([path, { lambda }]) => [path, tf.abs(lambda)])),
    }),
};

/** AdaLoRA that ranks triplets by |lambda|. */
export function magnitudeScored(options: AdaLoraOptions): AdaLoraStrategy {
  return adalora({ ...options, allocator: byMagnitude });
}

/** AdaLoRA whose score is sensitivity alone: an uncertainty of 1 that never moves leaves the product unchanged. */
export function sensitivityScored(options: AdaLoraOptions): AdaLoraStrategy {
  const inner = adalora(options);
  return {
    ...inner,
    init(context) {
      const { params, state } = inner.init(context);
      if (!('averages' in state)) return { params, state };
      const ones = mapTree(state.averages.uncertainty, (leaf) => tf.onesLike(leaf));
      return { params, state: { ...state, averages: { ...state.averages, uncertainty: ones } } };
    },
    inputs(state, clock) {
      const inputs = inner.inputs?.(state, clock) ?? {};
      return 'uncertaintyRate' in inputs ? { ...inputs, uncertaintyRate: 0 } : inputs;
    },
  };
}

/** With the penalty of the authors' code: the norm itself, averaged over factors, in place of the squared sum. */
export function withAveragedNorm<S extends Strategy<ByTarget<Triplets>, AdaLoraState>>(inner: S, weight = 0.1): S {
  return {
    ...inner,
    penalty({ params }) {
      const norms = Object.values(params).flatMap(({ a, b }) =>
        [matMul(a, a, true, false), matMul(b, b, false, true)].map((gram) =>
          // The floor keeps the root's gradient finite.
          tf.sqrt(tf.maximum(distanceFromIdentity(gram), 1e-30)),
        ),
      );
      return tf.mul(tf.div(tf.addN(norms), norms.length), weight) as tf.Scalar;
    },
  };
}

/** Squared Frobenius distance of a square matrix from the identity. */
export function distanceFromIdentity(gram: tf.Tensor): tf.Scalar {
  return tf.sum(tf.squaredDifference(gram, tf.eye(gram.shape[0] as number))) as tf.Scalar;
}
