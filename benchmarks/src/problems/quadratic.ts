import { fold, normals } from '@peft/ops';

const size = 3;
/** Curvature of the loss in each entry of the 3 x 3 matrix. */
const curvature = [10, 1, 1, 1, 1, 1, 1, 1, 1];

type Values = readonly number[];
type Pair = { readonly a: Values; readonly b: Values };

export type Descent = {
  readonly target: Values;
  readonly step: number;
  readonly seed: number;
  readonly links: number;
  readonly inner: number;
};

/** A random target with entries of this deviation. */
export function quadraticTarget(seed: number, deviation: number): Values {
  return Array.from(normals(fold(seed, 'target'), size * size), (value) => value * deviation);
}

/** Half the curvature-weighted squared distance. */
export function quadraticLoss(values: Values, target: Values): number {
  return values.reduce(
    (sum, value, i) => sum + 0.5 * (curvature[i] as number) * (value - (target[i] as number)) ** 2,
    0,
  );
}

/** Plain gradient descent on the whole matrix. */
export function fullDescent({ target, step, links, inner }: Descent): number {
  let values: Values = target.map(() => 0);
  for (let i = 0; i < links * inner; i++) {
    const slope = gradient(values, target);
    values = values.map((value, index) => value - step * (slope[index] as number));
  }
  return quadraticLoss(values, target);
}

/** A chain of rank-1 pairs, each from a fresh random `a` and a zero `b`; one link of all steps is LoRA. */
export function chainDescent(descent: Descent): number {
  const { target, step, seed, links, inner } = descent;
  let base: Values = target.map(() => 0);
  for (let link = 0; link < links; link++) {
    let pair: Pair = freshPair(fold(fold(seed, 'link'), link));
    for (let i = 0; i < inner; i++) {
      const slope = gradient(plus(base, pair), target);
      const { a, b } = pair;
      pair = {
        a: a.map((value, row) => value - step * sum((column) => at(slope, row, column) * (b[column] as number))),
        b: b.map((value, column) => value - step * sum((row) => at(slope, row, column) * (a[row] as number))),
      };
    }
    base = plus(base, pair);
  }
  return quadraticLoss(base, target);
}

/** The chain with `a` frozen in every link, and the step divided by its squared norm. */
export function oneSidedDescent({ target, step, seed, links, inner }: Descent): number {
  let base: Values = target.map(() => 0);
  for (let link = 0; link < links; link++) {
    const { a, b: zero } = freshPair(fold(fold(seed, 'link'), link));
    const own = step / sum((row) => (a[row] as number) ** 2);
    let b = zero;
    for (let i = 0; i < inner; i++) {
      const slope = gradient(plus(base, { a, b }), target);
      b = b.map((value, column) => value - own * sum((row) => at(slope, row, column) * (a[row] as number)));
    }
    base = plus(base, { a, b });
  }
  return quadraticLoss(base, target);
}

function gradient(values: Values, target: Values): Values {
  return values.map((value, i) => (curvature[i] as number) * (value - (target[i] as number)));
}

function plus(base: Values, { a, b }: Pair): Values {
  return base.map((value, i) => value + (a[Math.floor(i / size)] as number) * (b[i % size] as number));
}

function freshPair(seed: number): Pair {
  return { a: [...normals(seed, size)], b: [0, 0, 0] };
}

function at(values: Values, row: number, column: number): number {
  return values[row * size + column] as number;
}

function sum(term: (index: number) => number): number {
  return term(0) + term(1) + term(2);
}
