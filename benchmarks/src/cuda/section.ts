import type { Engine } from '@peft/core';

export type Precision = 'float32' | 'tf32' | 'bf16';

/** What a section of the run is given. */
export interface SectionCall {
  /** A new engine of this precision on the device. */
  engineOf(precision: Precision): Engine;
  /** Sizes that a processor can run too, to try the script out; figures of time then mean nothing. */
  readonly isSmall: boolean;
  readonly python: string | undefined;
  /** Whether there is time for `seconds` more. */
  hasTime(seconds: number): boolean;
  log(line: string): void;
}

/** One comparison or measurement with its outcome. */
export interface Finding {
  readonly name: string;
  readonly passed: boolean;
  /** What was found, as JSON holds it. */
  readonly found: unknown;
}

/** A part of the run: checks, or times that pass once they are taken. */
export interface Section {
  readonly name: string;
  run(call: SectionCall): AsyncIterable<Finding>;
}
