import { fold, normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../hostArray.ts';
import { layerKindOf } from '../layerKind.ts';
import type { Strategy } from '../strategy.ts';
import { entry, type Tree } from '../tree.ts';

/** A pair of factors by target path. */
export type ToyParams = { readonly [target: string]: { readonly a: tf.Tensor; readonly b: tf.Tensor } };

/** The smallest strategy that keeps every law: one low-rank pair per target, its delta `scale` times their product. */
export function toyStrategy({ rank = 2, scale = 1 } = {}): Strategy<ToyParams, Record<never, never>> {
  const pairOf = (params: ToyParams, path: string) => entry(params, path, 'pair of');
  return {
    name: 'toy',
    init: ({ targets, seed }) => ({
      state: {},
      params: Object.fromEntries(
        targets.map((target) => {
          const { zeroFactor, factorShapes } = layerKindOf(target);
          const factor = (name: 'a' | 'b') => {
            const shape = [...factorShapes(target, rank)[name]];
            if (name === zeroFactor) return tf.zeros(shape);
            return tf.tensor(normals(fold(seed, target.path), sizeOf(shape)), shape);
          };
          return [target.path, { a: factor('a'), b: factor('b') }];
        }),
      ),
    }),
    forward({ params }, target, { input, output }) {
      const kind = layerKindOf(target);
      const { a, b } = pairOf(params, target.path);
      return tf.add(output, tf.mul(kind.up(kind.down(input, a), b), scale));
    },
    merge({ params }, target, weight) {
      const { a, b } = pairOf(params, target.path);
      return tf.add(weight, tf.mul(layerKindOf(target).delta(a, b), scale));
    },
    factors({ params }, { path }) {
      const { a, b } = pairOf(params, path);
      return { a: tf.mul(a, scale), b };
    },
  } satisfies Strategy<ToyParams & Tree, Record<never, never>>;
}
