import type { Circumstances } from '../step/stepRow.ts';

/** All comparisons with Python that name one subject. */
export type ParityRow = {
  readonly suite: string;
  readonly subject: string;
  readonly comparisons: number;
  /** Numbers compared, one by one. */
  readonly values: number;
  /** Distance of the comparison that came nearest to its tolerance, that tolerance, and how it was measured. */
  readonly worst: number;
  readonly tolerance: number;
  readonly by: string;
};

/** A bug of Python PEFT, and the test that says what this library does. */
export type TrapRow = {
  readonly suite: string;
  readonly python: string;
  readonly here: readonly string[];
  readonly isPassed: boolean;
};

/** What a script that runs by itself found, as the table it printed. */
export type ScriptRun = {
  readonly title: string;
  readonly command: string;
  readonly date: string;
  readonly machine: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
};

/** What docs/fidelity.md shows. */
export type Fidelity = {
  readonly circumstances?: Circumstances | undefined;
  readonly parity: readonly ParityRow[];
  readonly traps: readonly TrapRow[];
  readonly runs: readonly ScriptRun[];
};
