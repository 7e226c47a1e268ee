import type { DigitsMethodKey } from '../problems/digitsMethods.ts';
import { tuneDigits } from '../problems/tuneDigits.ts';
import type { Claim } from '../report/claim.ts';
import { timed } from '../report/timed.ts';
import { accuracyTable } from './accuracyTable.ts';
import { differenceSaid, pointsBetween } from './differenceSaid.ts';

const keys = ['loraR1', 'loraR2', 'svd2', 'adalora32', 'adalora21'] as const satisfies readonly DigitsMethodKey[];

export const c3AdaloraOnDigits: Claim = {
  id: 'C3',
  title: 'AdaLoRA is no worse on a small network, and not better',
  setting:
    'As C1. AdaLoRA with orthogonality 0.1, 60 warm-up and 200 final steps of 600, pruning every 10. Only non-inferiority at an average rank of 2 is claimed.',
  seeds: 10,
  async run(call) {
    const { value, seconds } = await timed(() => tuneDigits(call, keys));
    const { methods } = value;
    const between = (first: (typeof keys)[number], second: (typeof keys)[number]) =>
      pointsBetween(methods[first].accuracies, methods[second].accuracies);
    const two = between('adalora32', 'loraR2');
    const share = seconds / keys.length;
    return {
      rows: [
        {
          id: 'C3.two',
          what: 'AdaLoRA from rank 3 to 2 on average minus LoRA r 2, each at its chosen rate',
          figure: differenceSaid(two),
          threshold: 'at least -1.0',
          passed: two.mean >= -1,
          seconds: share,
        },
        {
          id: 'C3.svd',
          what: 'AdaLoRA without allocation of rank 2 minus LoRA r 2',
          figure: differenceSaid(between('svd2', 'loraR2')),
          threshold: '',
          seconds: share,
        },
        {
          id: 'C3.one',
          what: 'AdaLoRA from rank 2 to 1 on average minus LoRA r 1',
          figure: differenceSaid(between('adalora21', 'loraR1')),
          threshold: '',
          seconds: share,
        },
      ],
      notes: [accuracyTable(methods)],
    };
  },
};
