import { adalora } from '@peft/adalora';
import { searchOptions, searchRanks } from '../problems/rankSearch.ts';
import type { Claim } from '../report/claim.ts';
import { rangeSaid } from '../report/figures.ts';
import { overSeeds } from '../report/overSeeds.ts';
import { timed } from '../report/timed.ts';
import { sameRanks } from './sameRanks.ts';

const ranks = Array.from({ length: 8 }, () => 2);

export const b4EqualRanksStayEqual: Claim = {
  id: 'B4',
  title: 'AdaLoRA moves no rank where all matrices need the same',
  setting: 'As B3, with every planted rank 2 and initRank 3.',
  seeds: 10,
  async run(call) {
    const { value, seconds } = await timed(() =>
      overSeeds(call, 'B4', (seed) => searchRanks({ ranks, strategy: adalora(searchOptions({ initRank: 3 })), seed })),
    );
    const equal = sameRanks(
      value.map((each) => each.ranks),
      ranks,
    );
    const residuals = value.map(({ residual }) => residual);
    return {
      rows: [
        {
          id: 'B4.ranks',
          what: 'seeds in which every matrix keeps rank 2',
          figure: `${equal} of ${call.seeds}`,
          threshold: 'at least 9 of 10',
          passed: equal >= 0.9 * call.seeds,
          seconds,
        },
        {
          id: 'B4.residual',
          what: 'residual',
          figure: rangeSaid(residuals),
          threshold: '',
          seconds,
          values: residuals,
        },
      ],
    };
  },
};
