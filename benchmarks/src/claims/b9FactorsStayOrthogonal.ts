import { type AdaLoraStrategy, adalora, type ByTarget, type Triplets } from '@peft/adalora';
import { matMul } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { searchOptions, searchRanks, unequalRanks } from '../problems/rankSearch.ts';
import { distanceFromIdentity } from '../problems/scoringVariants.ts';
import type { Claim } from '../report/claim.ts';
import { rangeSaid } from '../report/figures.ts';
import { overSeeds } from '../report/overSeeds.ts';
import { timed } from '../report/timed.ts';
import { sameRanks } from './sameRanks.ts';

const steps = 1200;
const finalSteps = 400;

export const b9FactorsStayOrthogonal: Claim = {
  id: 'B9',
  title: 'The penalty keeps the factors orthonormal',
  setting:
    'B3 with 1,200 steps, 100 of warm-up and 400 final ones. Squared Frobenius distance of P’P (and QQ’) from the identity, of the worst matrix: ' +
    'of the triplets kept, at the end; of all triplets, dead ones included, when the search ends.',
  seeds: 10,
  async run(call) {
    const { value, seconds } = await timed(() =>
      overSeeds(call, 'B9', async (seed) => {
        let atSearchEnd = Number.NaN;
        const inner = adalora(searchOptions({ initRank: 6, warmupSteps: 100, finalSteps }));
        const strategy: AdaLoraStrategy = {
          ...inner,
          async advance(context, adapter, clock) {
            if (clock.step === steps - finalSteps) atSearchEnd = worstDistance(adapter.params);
            return (await inner.advance?.(context, adapter, clock)) ?? { ...adapter, effects: [] };
          },
        };
        const found = await searchRanks({ ranks: unequalRanks, strategy, seed, steps }, (adapter) => ({
          atEnd: worstDistance(adapter.adapter.params as ByTarget<Triplets>),
        }));
        return { ...found, atSearchEnd };
      }),
    );
    const atEnd = value.map((each) => each.atEnd ?? Number.NaN);
    const atSearchEnd = value.map((each) => each.atSearchEnd);
    const exact = sameRanks(
      value.map(({ ranks }) => ranks),
      unequalRanks,
    );
    return {
      rows: [
        {
          id: 'B9.kept',
          what: 'worst distance of the kept triplets at the end, every seed',
          figure: rangeSaid(atEnd, 3),
          threshold: 'at most 0.2',
          passed: Math.max(...atEnd) <= 0.2,
          seconds,
          values: atEnd,
        },
        {
          id: 'B9.all',
          what: 'worst distance of all triplets when the search ends, every seed',
          figure: rangeSaid(atSearchEnd, 3),
          threshold: '',
          seconds,
          values: atSearchEnd,
        },
        {
          id: 'B9.ranks',
          what: 'seeds in which the ranks found are exactly the planted ones',
          figure: `${exact} of ${call.seeds}`,
          threshold: '',
          seconds,
        },
      ],
    };
  },
};

/** Largest distance from orthonormal columns of `a` or rows of `b` over all maps. */
function worstDistance(params: ByTarget<Triplets>): number {
  return tf.tidy(() => {
    const distances = Object.values(params).flatMap(({ a, b }) =>
      [matMul(a, a, true, false), matMul(b, b, false, true)].map((gram) => distanceFromIdentity(gram)),
    );
    return Math.max(...distances.map((distance) => distance.dataSync()[0] as number));
  });
}
