import { layerKindOf, type Strategy, type Target } from '@peft/core';
import * as tf from '@tensorflow/tfjs';

/** A pair of factors by target path: a [in, r], b [r, out]. */
export type PairParams = { readonly [path: string]: { readonly a: tf.Tensor; readonly b: tf.Tensor } };

/**
 * Low-rank pairs as they are given: delta = a.b, and none where a target has no pair. All that is additive takes this
 * form here, so that adapters of unlike methods and settings are alike to a program.
 */
export const lowRankPairs: Strategy<PairParams, Record<never, never>> = {
  name: 'pairs',
  init: () => ({ params: {}, state: {} }),
  forward({ params }, target, { input, output }) {
    const pair = pairOf(params, target);
    if (!pair) return output;
    const kind = layerKindOf(target);
    return tf.add(output, kind.up(kind.down(input, pair.a), pair.b));
  },
  merge({ params }, target, weight) {
    const pair = pairOf(params, target);
    return pair ? tf.add(weight, layerKindOf(target).delta(pair.a, pair.b)) : weight;
  },
  factors: ({ params }, target) => pairOf(params, target),
};

function pairOf(params: PairParams, { path }: Target) {
  return Object.hasOwn(params, path) ? params[path] : undefined;
}
