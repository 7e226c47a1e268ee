import { median } from '../report/summary.ts';

/** Times of one contestant, in milliseconds. */
export type Timings = {
  readonly medianMs: number;
  readonly bestMs: number;
  /** Interquartile range. */
  readonly spreadMs: number;
  readonly times: readonly number[];
};

/** Median, best and spread of at least one time in milliseconds. */
export function timingsOf(times: readonly number[]): Timings {
  return {
    medianMs: median(times),
    bestMs: Math.min(...times),
    spreadMs: quantile(times, 0.75) - quantile(times, 0.25),
    times,
  };
}

/** A quantile of at least one value, interpolated between neighbours. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)] as number;
  const high = sorted[Math.ceil(place)] as number;
  return low + (high - low) * (place - Math.floor(place));
}
