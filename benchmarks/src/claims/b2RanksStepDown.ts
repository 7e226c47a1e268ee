import { cola } from '@peft/cola';
import { lora } from '@peft/lora';
import { approximate, approximationTarget } from '../problems/approximation.ts';
import { floorOfRank, singularValues } from '../problems/singularValues.ts';
import type { Claim } from '../report/claim.ts';
import { overSeeds } from '../report/overSeeds.ts';
import { timed } from '../report/timed.ts';
import { floorsSaid, isAtFloor, residualsSaid } from './floorCheck.ts';

const ranks = [4, 2, 1];

export const b2RanksStepDown: Claim = {
  id: 'B2',
  title: 'Ranks may step down along a chain',
  setting: 'The target of B1; links of rank 4, 2 and 1, 1,200 steps in all at 0.02.',
  seeds: 3,
  async run(call) {
    const values = singularValues(approximationTarget(1));
    const floors = [4, 6, 7].map((rank) => floorOfRank(values, rank));
    const strategy = cola((index) => lora({ rank: ranks[index] as number, alpha: ranks[index] as number }), {
      links: 3,
    });
    const { value, seconds } = await timed(() =>
      overSeeds(call, 'B2', (seed) => approximate({ strategy, ranks, seed, steps: 1200, learningRate: 0.02 })),
    );
    return {
      rows: [
        {
          id: 'B2.chain',
          what: 'residual after links 1 to 3',
          figure: residualsSaid(value),
          threshold: floorsSaid(floors),
          passed: value.every((residuals) => isAtFloor(residuals, floors)),
          seconds,
          values: value.flat(),
        },
      ],
    };
  },
};
