import type { Claim, ClaimCall } from '../src/report/claim.ts';

/** A claim whose figure is the number of seeds it was given, below a limit. */
export function countingClaim(id: string, { limit = 100, seeds = 3 }: { limit?: number; seeds?: number } = {}): Claim {
  return {
    id,
    title: `Counting ${id}`,
    setting: 'Counts its seeds.',
    seeds,
    run: async (call: ClaimCall) => ({
      rows: [
        {
          id: `${id}.count`,
          what: 'seeds',
          figure: String(call.seeds),
          threshold: `below ${limit}`,
          passed: call.seeds < limit,
          seconds: 0.5,
        },
        { id: `${id}.aside`, what: 'nothing judged', figure: '7', threshold: '', seconds: 0.25 },
      ],
      notes: [`A note of ${id}.`],
      pictures: { [`claim-${id}.svg`]: `<svg>${call.seeds}</svg>` },
    }),
  };
}
