import type { TimedProduct } from '../products/roofline.ts';
import type { Method } from './assignment.ts';

/** One rival beside a row. */
export type RivalFigures = {
  readonly medianMs: number;
  readonly bestMs: number;
  readonly spreadMs: number;
  readonly peakBytes: number;
  /** Its median over ours: above 1 we are faster. */
  readonly ratio: number;
  /** Best over best. */
  readonly bestRatio: number;
  /** Our peak memory over its. */
  readonly memoryRatio: number;
  readonly threads: number;
  /** What is to be said of it. */
  readonly note?: string;
};

/** One measured step. */
export type StepRow = {
  readonly model: string;
  readonly method: Method;
  readonly engine: string;
  readonly batch: number;
  readonly seq: number;
  readonly rank: number;
  readonly dropout: number;
  readonly targets: readonly string[] | 'all-linear';
  readonly threads: number;
  /** Values that are trained. */
  readonly trainable: number;
  /** How frozen weights reach the step. */
  readonly weights: string;
  readonly medianMs: number;
  readonly bestMs: number;
  /** Interquartile range. */
  readonly spreadMs: number;
  readonly tokensPerSecond: number;
  /** Most resident memory of the process during the measured steps. */
  readonly peakBytes: number;
  /** Time of the matrix products at the best rates of their shapes, over the median step. */
  readonly rooflineFraction: number;
  readonly roofline: {
    readonly flops: number;
    readonly gflopsPerSecond: number;
    readonly ms: number;
    readonly fastestGflopsPerSecond: number;
    /** The same fraction were all products as fast as the fastest shape. */
    readonly fastestRateFraction: number;
    /** Work of a step that computes every row and every gradient of an input, minus `flops`. */
    readonly skippedFlops: number;
    readonly products: readonly TimedProduct[];
  };
  readonly against: Readonly<Record<string, RivalFigures>>;
  /** Rivals that could not be measured, and why. */
  readonly failed: Readonly<Record<string, string>>;
  /** From the run's start to the end of its first step: capture, passes and session among it. */
  readonly firstStepMs: number;
  readonly rounds: number;
  readonly disturbedRounds: number;
  readonly acceptedBusy: boolean;
  readonly circumstances: Circumstances;
};

export type Circumstances = {
  readonly command: string;
  /** Day, as YYYY-MM-DD. */
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
};

/** A figure that is no step time. */
export type Measure = {
  /** Which: `knot`, `compile`, `eventloop`, `flat`, `ratio-adalora`. */
  readonly id: string;
  readonly model: string;
  readonly engine: string;
  /** What the target judges. */
  readonly value: number;
  /** The whole figure in words. */
  readonly said: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly acceptedBusy: boolean;
  readonly circumstances: Circumstances;
};

/** What a command writes with --json. */
export type Figures = { readonly rows: readonly StepRow[]; readonly measures: readonly Measure[] };
