import type { DigitsMethodKey } from '../problems/digitsMethods.ts';
import { type TunedMethod, tuneDigits, tuningSeeds } from '../problems/tuneDigits.ts';
import type { Claim, Row } from '../report/claim.ts';
import { percent } from '../report/figures.ts';
import type { PairedDifference } from '../report/summary.ts';
import { timed } from '../report/timed.ts';
import { accuraciesPicture } from './accuraciesPicture.ts';
import { accuracyTable } from './accuracyTable.ts';
import { differenceSaid, pointsBetween } from './differenceSaid.ts';

const keys = [
  'full',
  'loraR1',
  'restartOnly',
  'cola',
  'adamKept',
  'oneDecay',
  'stepDown',
  'loraR5',
  'loraR2',
  'colaR2',
] as const satisfies readonly DigitsMethodKey[];

type Methods = Readonly<Record<(typeof keys)[number], TunedMethod>>;

export const c1ChainOnDigits: Claim = {
  id: 'C1',
  title: 'A chain on digits never seen, with its controls',
  setting:
    'ReLU network 64-64-64-5 without biases, trained on the digits 0 to 4 (30 epochs at 0.002); then 5 to 9 with adapters on all three matrices: ' +
    '30 epochs, batch 32, AdamW with weight decay 0.01, scale 1, linear decay per link by epoch, 70 : 30 split. ' +
    `Every method at four learning rates; its rate is chosen on held-out training images of ${tuningSeeds.length} other divisions, never on test. ` +
    'Differences are in points of test accuracy, paired by seed, with their standard error.',
  seeds: 10,
  async run(call) {
    const { value, seconds } = await timed(() => tuneDigits(call, keys));
    const { bases, methods } = value;
    const share = seconds / keys.length;
    return {
      rows: rowsOf(methods, { seeds: call.seeds, seconds: share }),
      notes: [
        `The base reaches ${percent(bases.map(({ accuracy }) => accuracy))} % on the digits 0 to 4 and ${percent(bases.map(({ zeroShot }) => zeroShot))} % on 5 to 9 before adaptation.`,
        accuracyTable(methods),
      ],
      pictures: {
        'claim-C1.svg': accuraciesPicture(
          keys.map((key) => ({
            name: methods[key].method.name,
            values: methods[key].accuracies,
            isChain: key === 'cola',
          })),
        ),
      },
    };
  },
};

function rowsOf(methods: Methods, run: { readonly seeds: number; readonly seconds: number }): readonly Row[] {
  const between = (first: keyof Methods, second: keyof Methods) =>
    pointsBetween(methods[first].accuracies, methods[second].accuracies);
  const at = (key: keyof Methods, rate: number) => methods[key].byRate.get(rate) as readonly number[];
  const row = (
    id: string,
    what: string,
    rest: { difference: PairedDifference; threshold?: string; passed?: boolean },
  ): Row => ({
    id: `C1.${id}`,
    what,
    figure: differenceSaid(rest.difference),
    threshold: rest.threshold ?? '',
    passed: rest.passed,
    seconds: run.seconds,
  });
  const gain = between('cola', 'loraR1');
  const merge = between('cola', 'restartOnly');
  const reset = pointsBetween(at('cola', 0.02), at('adamKept', 0.02));
  const full = between('full', 'cola');
  return [
    row('i', 'COLA r 1 x 5 minus LoRA r 1, each at its chosen rate', {
      difference: gain,
      threshold: 'at least 2.0 and 3 standard errors',
      passed: gain.mean >= 2 && gain.mean >= 3 * gain.standardError,
    }),
    row('ii', 'the merge: COLA minus the restart-only control', {
      difference: merge,
      threshold: 'at least 1.5',
      passed: merge.mean >= 1.5,
    }),
    row('iii', 'the reset: COLA minus COLA with Adam state kept, both at 0.02', {
      difference: reset,
      threshold: 'at least 2.0',
      passed: reset.mean >= 2,
    }),
    row('iv', 'full fine-tuning minus COLA', { difference: full, threshold: 'at most 1.5', passed: full.mean <= 1.5 }),
    row('r5', 'LoRA r 5 (same total rank, five times the adapter memory) minus COLA', {
      difference: between('loraR5', 'cola'),
    }),
    row('r2', 'COLA r 2 x 5 minus LoRA r 2: what is left of the gain at rank 2', {
      difference: between('colaR2', 'loraR2'),
    }),
    row('r2alone', 'LoRA r 2 (twice the adapter memory) minus COLA r 1 x 5', { difference: between('loraR2', 'cola') }),
    row('decay', 'COLA with one global decay minus COLA', { difference: between('oneDecay', 'cola') }),
  ];
}
