import { fold, matMul, normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, it } from 'vitest';
import { layerKindOf } from './layerKind.ts';
import { perTarget } from './perTarget.ts';
import type { AnyStrategy, Strategy } from './strategy.ts';
import { strategyLaws } from './testing/index.ts';

type Pair = { readonly a: tf.Tensor; readonly b: tf.Tensor };
type Pairs = { readonly [target: string]: Pair };

/** A low-rank strategy as someone outside the project would write it. */
function outsider(rank: number): Strategy<Pairs, { readonly rank: number }> {
  const pairOf = (params: Pairs, path: string) => params[path] as Pair;
  return {
    name: 'outsider',
    init: ({ targets, seed }) => ({
      state: { rank },
      params: Object.fromEntries(
        targets.map((target) => {
          const kind = layerKindOf(target);
          const { a, b } = kind.factorShapes(target, rank);
          const random = (shape: readonly number[]) => {
            const size = shape.reduce((product, length) => product * length, 1);
            return tf.tensor(normals(fold(seed, target.path), size), [...shape]);
          };
          const zero = kind.zeroFactor;
          return [
            target.path,
            { a: zero === 'a' ? tf.zeros([...a]) : random(a), b: zero === 'b' ? tf.zeros([...b]) : random(b) },
          ];
        }),
      ),
    }),
    forward({ params }, target, { input, output }) {
      const kind = layerKindOf(target);
      const { a, b } = pairOf(params, target.path);
      return tf.add(output, kind.up(kind.down(input, a), b));
    },
    merge({ params }, { path }, weight) {
      const { a, b } = pairOf(params, path);
      return tf.add(weight, matMul(a, b));
    },
    factors: ({ params }, { path }) => pairOf(params, path),
  };
}

for (const backend of ['cpu', 'wasm']) {
  describe(`an outsider's strategy on ${backend}`, () => {
    beforeAll(async () => {
      await tf.setBackend(backend);
    });
    for (const law of strategyLaws(() => outsider(2) as AnyStrategy)) it(law.name, law.check);
  });
}

describe('perTarget over two of them', () => {
  const routed = () =>
    perTarget([
      { targets: ['query'], strategy: outsider(2) },
      { targets: ['embed', 'head'], strategy: outsider(1) },
    ]);
  for (const law of strategyLaws(routed)) it(law.name, law.check);
});
