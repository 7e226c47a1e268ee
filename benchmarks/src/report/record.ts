import type { Outcome } from './claim.ts';

/** Where and when a claim was measured. */
export type Circumstances = {
  readonly command: string;
  /** Day, as YYYY-MM-DD. */
  readonly date: string;
  readonly seconds: number;
  readonly seeds: number;
  readonly machine: string;
  /** Load average over the last minute when the claim began, beside the claim itself. */
  readonly load: number;
};

/** A claim as docs/claims.json keeps it. */
export type ClaimRecord = Pick<Outcome, 'rows' | 'notes'> & {
  readonly circumstances: Circumstances;
  /** Names of its pictures in docs/. */
  readonly pictures: readonly string[];
};

/** Records by claim. */
export type Records = Readonly<Record<string, ClaimRecord>>;
