import { cola } from '@peft/cola';
import { plainLora } from '../problems/digitsMethods.ts';
import { type Base, divide, trainBase, transfer } from '../problems/digitsTransfer.ts';
import type { Claim, Row } from '../report/claim.ts';
import { percent } from '../report/figures.ts';
import { overSeeds } from '../report/overSeeds.ts';
import { mean } from '../report/summary.ts';
import { timed } from '../report/timed.ts';

const lengths = [1, 2, 3, 5, 10];
const learningRate = 1e-3;

export const c2ShortLinksHurt: Claim = {
  id: 'C2',
  title: 'A chain is not free: with too little learning per link it hurts',
  setting: 'As C1 at learning rate 0.001, rank 1, links M = 1, 2, 3, 5, 10 of the same 30 epochs.',
  seeds: 10,
  async run(call) {
    const bases: readonly Base[] = await overSeeds(call, 'C2 base', trainBase);
    const rows: Row[] = [];
    const means: number[] = [];
    for (const links of lengths) {
      const { value, seconds } = await timed(() =>
        overSeeds(call, `C2 M = ${links}`, (seed) =>
          transfer({
            base: (bases[seed - 1] as Base).model,
            parts: divide(5, seed),
            seed,
            strategy: cola(plainLora(1), { links }),
            learningRate,
          }),
        ),
      );
      means.push(mean(value));
      const isLast = links === lengths.at(-1);
      rows.push({
        id: `C2.M${links}`,
        what: `test accuracy in percent, ${links} ${links === 1 ? 'link' : 'links'}`,
        figure: percent(value),
        threshold: isLast ? 'below that of one link' : '',
        passed: isLast ? mean(value) < (means[0] as number) : undefined,
        seconds,
        values: value,
      });
    }
    for (const { model } of bases) model.weights.dispose();
    return { rows, notes: ['Give every link enough steps and learning rate to learn something before it is merged.'] };
  },
};
