import { cola } from '@peft/cola';
import { lora } from '@peft/lora';
import { approximate, approximationTarget, inputRoot } from '../problems/approximation.ts';
import { multiply } from '../problems/matrix.ts';
import { floorOfRank, singularValues } from '../problems/singularValues.ts';
import type { Claim, ClaimCall, Row } from '../report/claim.ts';
import { rangeSaid, said } from '../report/figures.ts';
import { overSeeds } from '../report/overSeeds.ts';
import { timed } from '../report/timed.ts';
import { floorsSaid, isAtFloor, residualsSaid } from './floorCheck.ts';

const chainRanks = [2, 2, 2, 2];
const pair = () => lora({ rank: 2, alpha: 2 });

type Variant = {
  readonly name: string;
  readonly condition: number;
  readonly steps: number;
  readonly learningRate: number;
};

const plain: Variant = { name: '', condition: 1, steps: 1200, learningRate: 0.02 };
const covariance: Variant = { name: 'covariance.', condition: 100, steps: 2400, learningRate: 0.05 };

export const b1ChainBeatsOneLora: Claim = {
  id: 'B1',
  title: 'A chain reaches what one LoRA of its rank cannot',
  setting:
    'Target 32 x 24 with singular values 8 to 1, base 0, squared loss, rank 2, Adam, linear decay per link: 1,200 steps at 0.02; ' +
    'with inputs of covariance condition 100, 2,400 steps at 0.05. Residuals are normalised; floors are Eckart and Young’s.',
  seeds: 3,
  run: async (call) => ({ rows: [...(await rowsOf(call, plain)), ...(await rowsOf(call, covariance))] }),
};

async function rowsOf(call: ClaimCall, variant: Variant): Promise<readonly Row[]> {
  const { name, condition } = variant;
  const floorsBySeed = Array.from({ length: call.seeds }, (_, index) => {
    const values = singularValues(multiply(inputRoot(index + 1, condition), approximationTarget(index + 1)));
    return [2, 4, 6, 8].map((rank) => floorOfRank(values, rank));
  });
  const alone = await timed(() =>
    overSeeds(call, `B1 ${name} one LoRA`, async (seed) => {
      const [residual] = await approximate({ ...variant, seed, strategy: pair(), ranks: [2] });
      return residual as number;
    }),
  );
  const chain = await timed(() =>
    overSeeds(call, `B1 ${name} chain`, (seed) =>
      approximate({ ...variant, seed, strategy: cola(pair(), { links: 4 }), ranks: chainRanks }),
    ),
  );
  const floors = floorsBySeed[0] as readonly number[];
  const floor = floors[0] as number;
  // The first floor to 0.450 is 0.9 % of it, which serves where the floor is another one.
  const limit = (own: number) => (condition === 1 ? 0.45 : own * (0.45 / 0.4461));
  return [
    {
      id: `B1.${name}lora`,
      what: `residual of one LoRA${condition === 1 ? '' : ', covariance of condition 100'}`,
      figure: rangeSaid(alone.value),
      threshold: condition === 1 ? `${said(floor - 1e-4)} to 0.4500` : 'from its floor - 0.0001 to 0.9 % above it',
      passed: alone.value.every((value, index) => {
        const own = floorsBySeed[index]?.[0] as number;
        return value >= own - 1e-4 && value <= limit(own);
      }),
      seconds: alone.seconds,
      values: alone.value,
    },
    {
      id: `B1.${name}chain`,
      what: `residual of the chain after links 1 to 4${condition === 1 ? '' : ', covariance of condition 100'}`,
      figure: residualsSaid(chain.value),
      threshold:
        condition === 1
          ? floorsSaid(floors)
          : `within 2 % or 0.001 of each seed’s floors: ${residualsSaid(floorsBySeed)}`,
      passed: chain.value.every((residuals, index) => isAtFloor(residuals, floorsBySeed[index] as readonly number[])),
      seconds: chain.seconds,
      values: chain.value.flat(),
    },
  ];
}
