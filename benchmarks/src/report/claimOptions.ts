import { parseArgs } from 'node:util';
import { PeftError } from '@peft/core';
import type { Claim } from './claim.ts';

export type ClaimOptions = { readonly claims: readonly Claim[]; readonly seeds: number | undefined };

export const help = `Measures the claims and writes docs/claims.md, docs/claims.json and pictures.

  npm run claims -- [--only B3,C1] [--seeds 2]

  --only A,B   these claims only, in any case; the other sections stay as they are
  --seeds N    seeds 1 to N in place of each claim's own number: a quick look, and said to be one
  --list       what there is to measure
`;

/** The command line's claims and seeds; throws `claims/options` with everything that is wrong. */
export function claimOptions(args: readonly string[], claims: readonly Claim[]): ClaimOptions {
  const { only, seeds } = parse(args);
  const byName = new Map(claims.map((claim) => [claim.id.toLowerCase(), claim]));
  const wanted = only?.split(',').map((name) => name.trim().toLowerCase());
  const unknown = (wanted ?? []).filter((name) => !byName.has(name));
  const count = seeds === undefined ? undefined : Number(seeds);
  const problems = [
    unknown.length > 0 &&
      `--only: there is no claim ${unknown.map((name) => `"${name}"`).join(', ')}; choose from ${claims.map(({ id }) => id).join(', ')}.`,
    count !== undefined &&
      (!Number.isInteger(count) || count < 1) &&
      `--seeds: "${seeds}" is not a whole number above 0.`,
  ].filter((problem) => typeof problem === 'string');
  if (problems.length > 0) throw new PeftError('claims/options', problems.join('\n'));
  return { claims: wanted ? claims.filter(({ id }) => wanted.includes(id.toLowerCase())) : claims, seeds: count };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { only: { type: 'string' }, seeds: { type: 'string' } } }).values;
  } catch (error) {
    throw new PeftError(
      'claims/options',
      `${(error as Error).message} Options are --only, --seeds, --list and --help.`,
    );
  }
}
