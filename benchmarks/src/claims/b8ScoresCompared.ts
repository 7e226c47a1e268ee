import { adalora } from '@peft/adalora';
import type { AnyStrategy } from '@peft/core';
import { searchOptions, searchRanks, unequalRanks } from '../problems/rankSearch.ts';
import { magnitudeScored, sensitivityScored, withAveragedNorm } from '../problems/scoringVariants.ts';
import type { Claim, Row } from '../report/claim.ts';
import { overSeeds } from '../report/overSeeds.ts';
import { mean } from '../report/summary.ts';
import { timed } from '../report/timed.ts';

const options = searchOptions({ initRank: 6 });
const withoutPenalty = { ...options, orthogonality: 0 };

type Variant = {
  readonly id: string;
  readonly what: string;
  readonly strategy: () => AnyStrategy;
  readonly noise?: number;
  readonly lastSingularValue?: number;
};

const spread = { lastSingularValue: 0.3 };
const variants: readonly Variant[] = [
  { id: 'full', what: 'full score', strategy: () => adalora(options) },
  { id: 'sensitivity', what: 'sensitivity alone', strategy: () => sensitivityScored(options) },
  { id: 'unpenalised', what: 'full score, no orthogonality term', strategy: () => adalora(withoutPenalty) },
  { id: 'noiseless', what: 'full score, noise-free labels', strategy: () => adalora(options), noise: 0 },
  { id: 'magnitude', what: '|lambda|, squared orthogonality term', strategy: () => magnitudeScored(options) },
  {
    id: 'magnitudeAveraged',
    what: '|lambda|, averaged orthogonality norm of the authors’ code',
    strategy: () => withAveragedNorm(magnitudeScored(withoutPenalty)),
  },
  {
    id: 'magnitudeAveragedNoiseless',
    what: '|lambda|, averaged norm, noise-free labels',
    strategy: () => withAveragedNorm(magnitudeScored(withoutPenalty)),
    noise: 0,
  },
  { id: 'spreadFull', what: 'full score, singular values from 2 to 0.3', strategy: () => adalora(options), ...spread },
  {
    id: 'spreadSensitivity',
    what: 'sensitivity alone, singular values from 2 to 0.3',
    strategy: () => sensitivityScored(options),
    ...spread,
  },
  {
    id: 'spreadMagnitude',
    what: '|lambda|, singular values from 2 to 0.3',
    strategy: () => magnitudeScored(options),
    ...spread,
  },
];

export const b8ScoresCompared: Claim = {
  id: 'B8',
  title: 'What the parts of the score are worth on planted ranks',
  setting:
    'B3 with other scores and penalties: the share of the 16 planted rank units that are found, mean over seeds.',
  seeds: 5,
  async run(call) {
    const rows: Row[] = [];
    for (const { id, what, strategy, ...problem } of variants) {
      const { value, seconds } = await timed(() =>
        overSeeds(call, `B8 ${what}`, async (seed) => {
          const { ranks } = await searchRanks({ ...problem, ranks: unequalRanks, strategy: strategy(), seed });
          const hits = unequalRanks.reduce((sum, planted, map) => sum + Math.min(planted, ranks[map] as number), 0);
          return hits / 16;
        }),
      );
      rows.push({ id: `B8.${id}`, what, figure: mean(value).toFixed(3), threshold: '', seconds, values: value });
    }
    return {
      rows,
      notes: [
        'Reported, not judged. Where sensitivity alone and a run without the orthogonality term find as much as the full score, these problems give no reason for the uncertainty term or the penalty.',
      ],
    };
  },
};
