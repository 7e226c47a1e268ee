/** One target's triplets as lists of numbers: a by row [in][r], lambda [r], b by row [r][out]. */
export type NumberTriplets = {
  readonly a: readonly (readonly number[])[];
  readonly lambda: readonly number[];
  readonly b: readonly (readonly number[])[];
};

type ByName<T> = Readonly<Record<string, T>>;
type Averages = { readonly sensitivity: number; readonly uncertainty: number };

export type OracleStep = {
  readonly before: ByName<NumberTriplets>;
  readonly after: ByName<NumberTriplets>;
  readonly grads: ByName<NumberTriplets>;
  readonly budget: number;
  readonly isPruning: boolean;
};

/**
 * AdaLoRA as its paper prints it (Zhang et al. 2023, equations 7 to 11), element by element in float64 on plain numbers:
 * importance, its averages, triplet scores, and the `budget` best of all matrices.
 */
export class PaperOracle {
  readonly #beta1: number;
  readonly #beta2: number;
  readonly #scoring: 'after' | 'before';
  readonly #averages = new Map<string, Averages>();

  constructor(options: { readonly beta1: number; readonly beta2: number; readonly scoring: 'after' | 'before' }) {
    this.#beta1 = options.beta1;
    this.#beta2 = options.beta2;
    this.#scoring = options.scoring;
  }

  /** Scores of the triplets, and which of them live after a pruning step. */
  step({ before, after, grads, budget, isPruning }: OracleStep) {
    const weights = this.#scoring === 'after' ? after : before;
    const scores = Object.fromEntries(
      Object.keys(after)
        .sort()
        .map((name) => [name, this.#scores(name, weights[name] as NumberTriplets, grads[name] as NumberTriplets)]),
    );
    const best = Object.entries(scores)
      .flatMap(([name, values]) => values.map((score, index) => ({ key: `${name} ${index}`, score })))
      .sort((left, right) => right.score - left.score);
    const gap = best[budget]
      ? ((best[budget - 1]?.score ?? 0) - best[budget].score) / (best[budget - 1]?.score || 1)
      : 1;
    const chosen = new Set(best.slice(0, budget).map(({ key }) => key));
    const live = Object.fromEntries(
      Object.entries(scores).map(([name, values]) => [name, values.map((_, index) => chosen.has(`${name} ${index}`))]),
    );
    return { scores, gap, live: isPruning ? live : undefined };
  }

  #scores(name: string, weights: NumberTriplets, grads: NumberTriplets): readonly number[] {
    const score = (where: string, weight: number, grad: number) => this.#element(`${name} ${where}`, weight * grad);
    const a = weights.a.map((row, i) => row.map((w, k) => score(`a ${i} ${k}`, w, grads.a[i]?.[k] as number)));
    const lambda = weights.lambda.map((w, k) => score(`lambda ${k}`, w, grads.lambda[k] as number));
    const b = weights.b.map((row, k) => row.map((w, j) => score(`b ${k} ${j}`, w, grads.b[k]?.[j] as number)));
    return lambda.map((own, k) => {
      const column = a.reduce((sum, row) => sum + (row[k] as number), 0) / a.length;
      const row = b[k] as readonly number[];
      return own + column + row.reduce((sum, value) => sum + value, 0) / row.length;
    });
  }

  #element(where: string, product: number): number {
    const old = this.#averages.get(where) ?? { sensitivity: 0, uncertainty: 0 };
    const importance = Math.abs(product);
    const sensitivity = this.#beta1 * old.sensitivity + (1 - this.#beta1) * importance;
    const uncertainty = this.#beta2 * old.uncertainty + (1 - this.#beta2) * Math.abs(importance - sensitivity);
    this.#averages.set(where, { sensitivity, uncertainty });
    return sensitivity * uncertainty;
  }
}
