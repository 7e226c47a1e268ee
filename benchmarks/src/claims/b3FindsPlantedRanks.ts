import { adalora } from '@peft/adalora';
import { lora } from '@peft/lora';
import { plantedValues, searchOptions, searchRanks, unequalRanks } from '../problems/rankSearch.ts';
import { floorOfRank } from '../problems/singularValues.ts';
import type { Claim } from '../report/claim.ts';
import { meanSaid, rangeSaid, said } from '../report/figures.ts';
import { overSeeds } from '../report/overSeeds.ts';
import { mean } from '../report/summary.ts';
import { timed } from '../report/timed.ts';
import { ranksPicture } from './ranksPicture.ts';
import { sameRanks } from './sameRanks.ts';

/** What uniform ranks of `rank` must leave of maps with these planted ranks. */
export function uniformFloor(ranks: readonly number[], rank: number): number {
  const values = ranks.map((planted) => plantedValues(planted));
  const square = (part: readonly number[]) => part.reduce((sum, value) => sum + value * value, 0);
  return values.reduce((sum, each) => sum + square(each.slice(rank)), 0) / square(values.flat());
}

/** What the best choice of `budget` triplets over all maps must leave. */
export function globalFloor(ranks: readonly number[], budget: number): number {
  const values = ranks.flatMap((planted) => plantedValues(planted)).sort((left, right) => right - left);
  return floorOfRank(values, budget);
}

export const b3FindsPlantedRanks: Claim = {
  id: 'B3',
  title: 'AdaLoRA finds which matrices need rank',
  setting:
    'Eight 32 x 24 linear maps with planted ranks (6, 4, 3, 2, 1, 0, 0, 0), singular values evenly from 2 to 1; normal inputs, batch 32, ' +
    'label noise 0.5; initRank 6, budget 16, orthogonality 0.1, scale 1, 600 steps (60 warm-up, 200 final, pruning every 10), Adam at 0.02, linear decay. ' +
    'LoRA of rank 2 has the same final parameters.',
  seeds: 10,
  async run(call) {
    const adaptive = await timed(() =>
      overSeeds(call, 'B3 adalora', (seed) =>
        searchRanks({ ranks: unequalRanks, strategy: adalora(searchOptions({ initRank: 6 })), seed }),
      ),
    );
    const uniform = await timed(() =>
      overSeeds(call, 'B3 lora', (seed) =>
        searchRanks({ ranks: unequalRanks, strategy: lora({ rank: 2, alpha: 2 }), seed }),
      ),
    );
    const residuals = adaptive.value.map(({ residual }) => residual);
    const loraResiduals = uniform.value.map(({ residual }) => residual);
    const found = adaptive.value.map(({ ranks }) => ranks);
    const exact = sameRanks(found, unequalRanks);
    const floor = uniformFloor(unequalRanks, 2);
    const share = mean(residuals) / mean(loraResiduals);
    return {
      rows: [
        {
          id: 'B3.ranks',
          what: 'seeds in which the ranks found are exactly the planted ones',
          figure: `${exact} of ${call.seeds}`,
          threshold: 'at least 9 of 10',
          passed: exact >= 0.9 * call.seeds,
          seconds: adaptive.seconds,
        },
        {
          id: 'B3.residual',
          what: 'residual of AdaLoRA, every seed',
          figure: rangeSaid(residuals),
          threshold: 'at most 0.01',
          passed: Math.max(...residuals) <= 0.01,
          seconds: adaptive.seconds,
          values: residuals,
        },
        {
          id: 'B3.ratio',
          what: `residual of AdaLoRA over that of LoRA of rank 2 (${meanSaid(loraResiduals)}; its floor is ${said(floor)})`,
          figure: `1/${(1 / share).toFixed(0)}`,
          threshold: 'at most 1/20',
          passed: share <= 1 / 20,
          seconds: uniform.seconds,
          values: loraResiduals,
        },
      ],
      pictures: { 'claim-B3.svg': ranksPicture(unequalRanks, found) },
    };
  },
};
