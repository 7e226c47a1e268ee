import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import { lora } from '@peft/lora';
import { searchOptions, searchRanks, unequalRanks } from '../problems/rankSearch.ts';
import type { Claim } from '../report/claim.ts';
import { meanSaid, rangeSaid, said } from '../report/figures.ts';
import { overSeeds } from '../report/overSeeds.ts';
import { timed } from '../report/timed.ts';
import { uniformFloor } from './b3FindsPlantedRanks.ts';

export const b7ChainOfAdalora: Claim = {
  id: 'B7',
  title: 'A chain of AdaLoRA beats a chain of uniform ranks',
  setting:
    'The target of B3; two links of AdaLoRA with initRank 6 and budget 8 each, 1,200 steps in all, against two links of LoRA of rank 1. ' +
    'While a link searches it trains initRank x 8 = 48 triplets, of which 8 stay; a rank-1 link trains 8.',
  seeds: 10,
  async run(call) {
    const steps = 1200;
    const ranks = unequalRanks;
    const link = adalora(searchOptions({ initRank: 6, targetBudget: 8 }));
    const adaptive = await timed(() =>
      overSeeds(call, 'B7 cola(adalora)', (seed) =>
        searchRanks({ ranks, strategy: cola(link, { links: 2 }), seed, steps }),
      ),
    );
    const uniform = await timed(() =>
      overSeeds(call, 'B7 cola(lora)', (seed) =>
        searchRanks({ ranks, strategy: cola(lora({ rank: 1, alpha: 1 }), { links: 2 }), seed, steps }),
      ),
    );
    const residuals = adaptive.value.map(({ residual }) => residual);
    const uniformResiduals = uniform.value.map(({ residual }) => residual);
    return {
      rows: [
        {
          id: 'B7.adaptive',
          what: 'residual of the chain of AdaLoRA after link 2, every seed',
          figure: rangeSaid(residuals),
          threshold: 'at most 0.02',
          passed: Math.max(...residuals) <= 0.02,
          seconds: adaptive.seconds,
          values: residuals,
        },
        {
          id: 'B7.uniform',
          what: `residual of the chain of rank-1 LoRA (its floor is ${said(uniformFloor(ranks, 2))})`,
          figure: meanSaid(uniformResiduals),
          threshold: '',
          seconds: uniform.seconds,
          values: uniformResiduals,
        },
      ],
    };
  },
};
