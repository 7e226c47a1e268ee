/** How a fresh pair begins. Every one but `false` leaves the model as it was. */
export type LoraInit = boolean | 'gaussian' | 'orthogonal';

export type LoraOptions = {
  /** Inner size of the pair a [in, rank], b [rank, out]; 8. */
  readonly rank?: number;
  /** Numerator of the scaling alpha / rank; 8. */
  readonly alpha?: number;
  /** Scale by alpha / sqrt(rank) instead (Kalajdzievski 2023, arXiv 2312.03732). */
  readonly rsLora?: boolean;
  /** Train magnitude and direction apart (Liu et al. 2024, arXiv 2402.09353). */
  readonly dora?: boolean;
  /** Part of the adapter's input that is zeroed while training, from 0 to below 1; 0. */
  readonly dropout?: number;
  /** true. */
  readonly init?: LoraInit;
  /** Rank by regular expression, matched against the end of a target's path as Python PEFT does. */
  readonly rankPattern?: Readonly<Record<string, number>>;
  /** Alpha by regular expression. */
  readonly alphaPattern?: Readonly<Record<string, number>>;
};

/** The options with their defaults, which are Python PEFT's. */
export function withDefaults(options: LoraOptions): Required<LoraOptions> {
  return {
    rank: options.rank ?? 8,
    alpha: options.alpha ?? 8,
    rsLora: options.rsLora ?? false,
    dora: options.dora ?? false,
    dropout: options.dropout ?? 0,
    init: options.init ?? true,
    rankPattern: options.rankPattern ?? {},
    alphaPattern: options.alphaPattern ?? {},
  };
}
