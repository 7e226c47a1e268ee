import { cola } from '@peft/cola';
import { plainLora } from '../problems/digitsMethods.ts';
import { stateBytesAfter } from '../problems/stateBytes.ts';
import type { Claim } from '../report/claim.ts';

const ranks = [4, 2];
const width = 64;

export const d4StepDownBytes: Claim = {
  id: 'D4',
  title: 'A link of lower rank needs that much less memory',
  setting: 'Six layers of width 64, two links of rank 4 and 2, AdamW. No speed-up is claimed.',
  seeds: 0,
  async run() {
    const began = performance.now();
    const strategy = cola((index) => plainLora(ranks[index] as number), { links: 2 });
    const [first, second] = await stateBytesAfter(strategy, { at: [2, 8], steps: 10 });
    const seconds = (performance.now() - began) / 1000;
    const [high, low] = ranks as [number, number];
    const isExact = (left: number | undefined, right: number | undefined) =>
      left !== undefined && left * low === (right ?? 0) * high;
    return {
      rows: [
        {
          id: 'D4.parameters',
          what: 'bytes of trained parameters in links 1 and 2',
          figure: `${first?.parameters}; ${second?.parameters}`,
          threshold: 'exactly as rank 4 to rank 2',
          passed: isExact(first?.parameters, second?.parameters),
          seconds,
        },
        {
          id: 'D4.moments',
          what: 'bytes of Adam moments in links 1 and 2',
          figure: `${first?.moments}; ${second?.moments}`,
          threshold: 'exactly as rank 4 to rank 2',
          passed: isExact(first?.moments, second?.moments),
          seconds,
        },
        {
          id: 'D4.operations',
          what: 'multiplications saved by link 2 in a training step of one layer, computed: 12 (r1 - r2) of 4 width + 12 r1 per row and width',
          figure: `${((100 * 12 * (high - low)) / (4 * width + 12 * high)).toFixed(1)} % here, ${((100 * 12 * (high - low)) / (4 * 2048 + 12 * high)).toFixed(2)} % at width 2,048`,
          threshold: '',
          seconds,
        },
      ],
    };
  },
};
