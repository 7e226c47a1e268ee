import { entry, layerKindOf, type Strategy, type Tree, toTensor } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import type { golden } from './golden.ts';

type Factors = { readonly a: tf.Tensor; readonly b: tf.Tensor };

/** A low-rank pair for every target that begins at Python's factors, written against `Strategy` alone. */
export function givenFactors({ get, scaling }: Awaited<ReturnType<typeof golden>>): Strategy {
  const factorsOf = (params: Tree, path: string) => entry(params, path, 'given-factors') as Factors;
  return {
    name: 'given-factors',
    init: ({ targets }) => ({
      params: Object.fromEntries(
        targets.map(({ path }) => [
          path,
          { a: toTensor(get(`factor/${path}/a`)), b: toTensor(get(`factor/${path}/b`)) },
        ]),
      ),
      state: {},
    }),
    forward({ params }, target, { input, output }) {
      const kind = layerKindOf(target);
      const { a, b } = factorsOf(params, target.path);
      return tf.add(output, tf.mul(kind.up(kind.down(input, a), b), scaling));
    },
    merge({ params }, target, weight) {
      const { a, b } = factorsOf(params, target.path);
      return tf.add(weight, tf.mul(layerKindOf(target).delta(a, b), scaling));
    },
  };
}
