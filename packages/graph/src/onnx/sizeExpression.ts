/** Sizes by the names of the dimensions that may change. */
export type Sizes = Readonly<Record<string, number>>;

interface Term {
  readonly factor: number;
  /** Names, one twice for its square. */
  readonly dimensions: readonly string[];
}

/** A whole number as a sum of products of named sizes. */
export type SizeExpression = readonly Term[];

/** Most names in one product. */
const highestDegree = 3;

/**
 * The simplest sum of at most two products of sizes that gives `values` at `points`, which must be three or more:
 * whatever two of them would fit, the others confirm. Undefined where there is none.
 */
export function fitSizes(values: readonly number[], points: readonly Sizes[]): SizeExpression | undefined {
  const first = values[0] as number;
  if (values.every((value) => value === first)) return [{ factor: first, dimensions: [] }];
  const products = productsOf(Object.keys(points[0] as Sizes));
  const columns = products.map((dimensions) => points.map((point) => evaluateTerm({ factor: 1, dimensions }, point)));
  for (const [index, dimensions] of products.entries()) {
    const fitted = [{ factor: first / ((columns[index] as number[])[0] as number), dimensions }];
    if (isExact(fitted, values, points)) return fitted;
  }
  for (let left = 0; left < products.length; left++) {
    for (let right = left + 1; right < products.length; right++) {
      const factors = solve(columns[left] as number[], columns[right] as number[], values);
      const pair = [products[left], products[right]] as const;
      const fitted = factors?.map((factor, side) => ({ factor, dimensions: pair[side] as readonly string[] }));
      if (fitted && isExact(fitted, values, points)) return fitted;
    }
  }
  return undefined;
}

/** A factor times a power of a product of sizes. */
export interface SizePower {
  readonly factor: number;
  readonly dimensions: readonly string[];
  readonly power: number;
}

/** The product of sizes, or the inverse, root or inverse root of one, that float32 `values` are a multiple of. */
export function fitPower(values: readonly number[], points: readonly Sizes[]): SizePower | undefined {
  for (const power of [-1, -0.5, 1, 0.5]) {
    for (const dimensions of productsOf(Object.keys(points[0] as Sizes)).slice(1)) {
      const ratios = points.map((point, index) => {
        return (values[index] as number) / evaluateTerm({ factor: 1, dimensions }, point) ** power;
      });
      const factor = ratios[0] as number;
      if (ratios.every((ratio) => Math.abs(ratio - factor) <= 2e-7 * Math.abs(factor))) {
        return { factor: simplest(factor), dimensions, power };
      }
    }
  }
  return undefined;
}

/** The number of few digits that float32 rounding hid, where there is one. */
function simplest(factor: number): number {
  const short = Number(factor.toPrecision(6));
  return Math.abs(short - factor) <= 2e-7 * Math.abs(factor) ? short : factor;
}

/** As ONNX names a dimension: batch, batch*sequence, 1+2*patches. */
export function sizeText(expression: SizeExpression): string {
  const terms = expression.map(({ factor, dimensions }) => {
    const factors = factor === 1 && dimensions.length > 0 ? dimensions : [factor, ...dimensions];
    return factors.join('*');
  });
  return terms.join('+').replaceAll('+-', '-');
}

function evaluateTerm({ factor, dimensions }: Term, sizes: Sizes): number {
  return dimensions.reduce((product, name) => product * (sizes[name] as number), factor);
}

function isExact(expression: SizeExpression, values: readonly number[], points: readonly Sizes[]): boolean {
  const isWhole = expression.every(({ factor }) => Number.isInteger(factor));
  return isWhole && points.every((point, index) => evaluateSizes(expression, point) === values[index]);
}

function evaluateSizes(expression: SizeExpression, sizes: Sizes): number {
  return expression.reduce((sum, term) => sum + evaluateTerm(term, sizes), 0);
}

/** The two factors by the first two points. */
function solve(
  left: readonly number[],
  right: readonly number[],
  values: readonly number[],
): readonly number[] | undefined {
  const [[a, c], [b, d], [x, y]] = [left, right, values] as unknown as readonly (readonly [number, number])[] &
    readonly [readonly [number, number], readonly [number, number], readonly [number, number]];
  const determinant = a * d - b * c;
  return determinant === 0 ? undefined : [(x * d - b * y) / determinant, (a * y - x * c) / determinant];
}

/** Products of names by their degree, the empty one first, none with a name more than twice. */
function productsOf(names: readonly string[]): readonly (readonly string[])[] {
  let level: readonly (readonly string[])[] = [[]];
  const all = [...level];
  for (let degree = 1; degree <= highestDegree; degree++) {
    level = level.flatMap((product) =>
      names
        .filter((name) => (product.at(-1) ?? '') <= name && product.filter((each) => each === name).length < 2)
        .map((name) => [...product, name]),
    );
    all.push(...level);
  }
  return all;
}
