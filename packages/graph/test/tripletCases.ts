import { adalora } from '@peft/adalora';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import type { OpCase } from './opCases.ts';

type Triplets = Record<'a' | 'lambda' | 'b', tf.Tensor>;

const size = fc.integer({ min: 1, max: 4 });

/** A case over one target of a rank: triplets at each place of `kinds`, then numbers. */
const overTriplets = (
  kinds: readonly ('float' | 'positive')[],
  { numbers = 0, run, hasGradient }: Pick<Case, 'run' | 'hasGradient'> & { readonly numbers?: number },
) =>
  fc.tuple(size, size, size).map(([from, rank, to]) => ({
    inputs: [
      ...kinds.flatMap((kind) => [[from, rank], [rank], [rank, to]].map((shape) => ({ shape, kind }))),
      ...Array.from({ length: numbers }, () => ({ shape: [] as number[], kind: 'positive' as const })),
    ],
    run: (...all: tf.Tensor[]) => run(...all),
    hasGradient,
  }));

type Case = Omit<OpCase, 'name'>;

const triplets = (all: readonly tf.Tensor[], place: number): { readonly w: Triplets } => {
  const [a, lambda, b] = all.slice(3 * place, 3 * place + 3) as [tf.Tensor, tf.Tensor, tf.Tensor];
  return { w: { a, lambda, b } };
};

const leaves = ({ a, lambda, b }: Readonly<Triplets>) => [a, lambda, b];

/** Uses of the operations of `@peft/adalora`, through its strategy. */
export const tripletCases: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  PeftImportance: overTriplets(['float', 'float', 'positive', 'positive'], {
    numbers: 2,
    run: (...all) => {
      const rank = (all[1] as tf.Tensor).size;
      const [sensitivityRate, uncertaintyRate] = all.slice(12) as [tf.Scalar, tf.Scalar];
      const { params, state } = (adalora({ initRank: rank, targetRank: 1 }).update as NonNullable<Update>)({
        before: triplets(all, 0),
        after: triplets(all, 0),
        grads: triplets(all, 1),
        state: {
          step: 1,
          totalSteps: 9,
          mask: { w: tf.ones([rank]) },
          averages: { sensitivity: triplets(all, 2), uncertainty: triplets(all, 3) },
        },
        inputs: { budget: tf.scalar(1), prune: tf.scalar(1), sensitivityRate, uncertaintyRate },
      });
      if (!('averages' in state)) throw new Error('the averages are gone');
      const of = (tree: Readonly<Record<string, Readonly<Triplets>>>) => Object.values(tree).flatMap(leaves);
      // Both factors come back as they are.
      return [
        ...Object.values(params).map(({ lambda }) => lambda),
        ...of(state.averages.sensitivity),
        ...of(state.averages.uncertainty),
      ];
    },
    hasGradient: false,
  }),
  PeftTripletDistance: overTriplets(['float'], {
    run: (...all) => {
      const rank = (all[1] as tf.Tensor).size;
      const live = tf.cast(tf.less(tf.range(0, rank), 2), 'float32');
      const { penalty } = adalora({ initRank: rank, targetRank: 1, compact: false, orthogonality: 0.1 });
      const state = { step: 1, totalSteps: 9, mask: { w: live } };
      const sum = (penalty as NonNullable<typeof penalty>)({ params: triplets(all, 0), state });
      // lambda has no part in it, and the gradient of every input is asked for.
      return tf.add(sum, tf.sum(all[1] as tf.Tensor));
    },
    hasGradient: true,
  }),
};

type Update = ReturnType<typeof adalora>['update'];
