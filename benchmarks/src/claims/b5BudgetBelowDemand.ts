import { adalora } from '@peft/adalora';
import { searchOptions, searchRanks } from '../problems/rankSearch.ts';
import type { Claim } from '../report/claim.ts';
import { meanSaid, said } from '../report/figures.ts';
import { overSeeds } from '../report/overSeeds.ts';
import { mean } from '../report/summary.ts';
import { timed } from '../report/timed.ts';
import { globalFloor, uniformFloor } from './b3FindsPlantedRanks.ts';

const ranks = [6, 6, 4, 4, 2, 2, 0, 0];

export const b5BudgetBelowDemand: Claim = {
  id: 'B5',
  title: 'A budget below the demand goes where it serves most',
  setting: 'As B3, with planted ranks (6, 6, 4, 4, 2, 2, 0, 0), 24 in all, and a budget of 16.',
  seeds: 10,
  async run(call) {
    const { value, seconds } = await timed(() =>
      overSeeds(call, 'B5', (seed) => searchRanks({ ranks, strategy: adalora(searchOptions({ initRank: 6 })), seed })),
    );
    const residuals = value.map(({ residual }) => residual);
    const wasted = value.filter((each) => each.ranks[6] !== 0 || each.ranks[7] !== 0).length;
    return {
      rows: [
        {
          id: 'B5.mean',
          what: `mean residual (best choice of 16 triplets ${said(globalFloor(ranks, 16))}, uniform ranks ${said(uniformFloor(ranks, 2))})`,
          figure: meanSaid(residuals),
          threshold: 'at most 0.20',
          passed: mean(residuals) <= 0.2,
          seconds,
          values: residuals,
        },
        {
          id: 'B5.worst',
          what: 'largest residual of a seed',
          figure: said(Math.max(...residuals)),
          threshold: 'at most 0.25',
          passed: Math.max(...residuals) <= 0.25,
          seconds,
        },
        {
          id: 'B5.empty',
          what: 'seeds in which a matrix of planted rank 0 keeps a triplet',
          figure: `${wasted} of ${call.seeds}`,
          threshold: 'none',
          passed: wasted === 0,
          seconds,
        },
      ],
    };
  },
};
