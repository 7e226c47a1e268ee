/** One figure beside its threshold. */
export type Row = {
  /** Claim and figure, such as `B3.ranks`. */
  readonly id: string;
  readonly what: string;
  readonly figure: string;
  /** What must hold, in words; empty where the figure is only reported. */
  readonly threshold: string;
  /** Undefined where the figure is only reported. */
  readonly passed?: boolean | undefined;
  readonly seconds: number;
  /** The figure of each seed, where there is one. */
  readonly values?: readonly number[] | undefined;
};

export type Outcome = {
  readonly rows: readonly Row[];
  /** Markdown under the table: what must be said besides. */
  readonly notes?: readonly string[];
  /** SVG by file name in docs/. */
  readonly pictures?: Readonly<Record<string, string>>;
};

export type ClaimCall = {
  /** Seeds 1 to this number. */
  readonly seeds: number;
  progress(text: string): void;
};

export type Claim = {
  readonly id: string;
  readonly title: string;
  /** What is run, so that the figures can be judged. */
  readonly setting: string;
  /** Seeds of the full claim; 0 where nothing is drawn. */
  readonly seeds: number;
  run(call: ClaimCall): Promise<Outcome>;
};
