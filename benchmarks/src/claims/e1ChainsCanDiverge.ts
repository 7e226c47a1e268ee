import { chainDescent, type Descent, fullDescent, oneSidedDescent, quadraticTarget } from '../problems/quadratic.ts';
import type { Claim, Row } from '../report/claim.ts';
import { said } from '../report/figures.ts';
import { median } from '../report/summary.ts';

const links = 100;
const inner = 20;
const converged = 1e-10;

/** A loss that is no number any more, or has grown beyond any use. */
const hasDiverged = (loss: number) => !(loss < 1e6);

export const e1ChainsCanDiverge: Claim = {
  id: 'E1',
  title: 'A chain diverges at a step where full descent converges',
  setting:
    'A 3 x 3 quadratic with curvature 10 in one entry and 1 in the others, rank 1, plain gradient descent in float64, 100 links of 20 steps, normal targets; ' +
    'step 0.1 is 1 / L. The one-sided chain freezes the random factor and divides the step by its squared norm. Diverged: a loss above 1e6.',
  seeds: 10,
  async run({ seeds }) {
    const began = performance.now();
    const losses = (
      method: (descent: Descent) => number,
      step: number,
      more: Partial<Descent> & { deviation?: number } = {},
    ) =>
      Array.from({ length: seeds }, (_, index) => {
        const { deviation = 1, ...rest } = more;
        const seed = index + 1;
        return method({ target: quadraticTarget(seed, deviation), step, seed, links, inner, ...rest });
      });
    const single = { links: 1, inner: links * inner };
    const count = (values: readonly number[], test: (loss: number) => boolean) => values.filter(test).length;
    const row = (id: string, what: string, rest: Omit<Row, 'id' | 'what' | 'seconds'>): Row => ({
      id: `E1.${id}`,
      what,
      ...rest,
      seconds: (performance.now() - began) / 1000,
    });
    const full = losses(fullDescent, 0.1);
    const chain = losses(chainDescent, 0.1);
    const oneSided = losses(oneSidedDescent, 0.1);
    const lora = losses(chainDescent, 0.1, single);
    const largeLora = losses(chainDescent, 0.1, { ...single, deviation: 10 });
    const slowChain = losses(chainDescent, 0.02);
    const slowLora = losses(chainDescent, 0.02, single);
    return {
      rows: [
        row('full', 'largest loss of full descent, step 0.1', {
          figure: said(Math.max(...full)),
          threshold: 'below 1e-10',
          passed: Math.max(...full) < converged,
        }),
        row('chain', 'chains that diverge, step 0.1', {
          figure: `${count(chain, hasDiverged)} of ${seeds}`,
          threshold: 'all',
          passed: count(chain, hasDiverged) === seeds,
        }),
        row('oneSided', 'largest loss of the one-sided chain, step 0.1', {
          figure: said(Math.max(...oneSided)),
          threshold: 'below 1e-10',
          passed: Math.max(...oneSided) < converged,
        }),
        row('lora', 'single LoRAs that diverge, step 0.1, targets of deviation 1', {
          figure: `${count(lora, hasDiverged)} of ${seeds}`,
          threshold: '',
        }),
        row('largeLora', 'single LoRAs that diverge, step 0.1, targets of deviation 10', {
          figure: `${count(largeLora, hasDiverged)} of ${seeds}`,
          threshold: 'all',
          passed: count(largeLora, hasDiverged) === seeds,
        }),
        row('slowChain', 'largest loss of a chain, step 0.02', {
          figure: said(Math.max(...slowChain)),
          threshold: 'below 1e-10',
          passed: Math.max(...slowChain) < converged,
        }),
        row('slowLora', 'median loss of a single LoRA, step 0.02: its floor', {
          figure: said(median(slowLora), 2),
          threshold: '',
        }),
      ],
    };
  },
};
