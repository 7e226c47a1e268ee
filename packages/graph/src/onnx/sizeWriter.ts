import { GraphError } from '../graphError.ts';
import { type OnnxConstant, type OnnxNode, type OnnxType, OnnxWriter, onnxTypes } from './onnxWriter.ts';
import { fitPower, fitSizes, type SizeExpression, type Sizes, sizeText } from './sizeExpression.ts';

/** A dimension of an input. */
interface Place {
  readonly input: string;
  readonly axis: number;
}

/** Writes the constants that several drafts agree on, and computes those that follow from sizes, each once. */
export class SizeWriter {
  readonly writer = new OnnxWriter();
  readonly #known = new Map<string, string>();
  readonly #points: readonly Sizes[];
  readonly #places: ReadonlyMap<string, Place>;

  constructor(points: readonly Sizes[], places: ReadonlyMap<string, Place>) {
    this.#points = points;
    this.#places = places;
    this.writer.origin = 'a size';
  }

  /** The name of one constant, given as the drafts have it. @throws GraphError `graph/dynamic` */
  constant(variants: readonly [OnnxConstant, ...OnnxConstant[]], readers: readonly OnnxNode[]): string {
    const [{ type, dims, values }] = variants;
    const what = `a constant that ${readers[0]?.origin ?? 'nothing'} reads`;
    if (variants.some((each) => `${each.dims}` !== `${dims}`)) return this.#ramp(variants, what);
    if (variants.every((each) => isEqual(each.values, values))) return this.writer.constant(type, values, dims);
    const isWhole = variants.every((each) => Array.from(each.values).every(Number.isInteger));
    if (type === 'float32' && !isWhole) return this.#float(variants, what);
    const sizes = Array.from(values, (_, index) => {
      const seen = variants.map((each) => each.values[index] as number);
      return fitSizes(seen, this.#points) ?? refuseSize(what, seen, this.#points);
    });
    const isTarget =
      type === 'int64' && readers.every(({ op, inputs }) => op === 'Reshape' && inputs[1] === variants[0].name);
    const list = this.#list(isTarget ? withRest(sizes) : sizes);
    return this.#cast(dims.length === 1 ? list : this.#shaped(list, dims), type);
  }

  /** A list that counts up or down in even steps, as long as the sizes say. */
  #ramp(variants: readonly [OnnxConstant, ...OnnxConstant[]], what: string): string {
    const [{ type, dims, values }] = variants;
    const start = values[0] as number;
    const step = (values[1] ?? start + 1) - start;
    const isRamp = variants.every((each) => {
      const list = Array.from(each.values);
      return each.dims.length === 1 && list.every((value, index) => value === start + index * step);
    });
    const counts = variants.map((each) => each.values.length);
    const size = dims.length === 1 ? fitSizes(counts, this.#points) : undefined;
    if (!isRamp || !size || step === 0 || !['int32', 'int64', 'float32'].includes(type)) {
      const shapes = variants.map((each) => `[${each.dims}]`);
      return refuseSize(`the shape of ${what}`, shapes, this.#points, 'values counted up by tf.range');
    }
    return this.#once(`ramp ${type} ${start} ${step} ${sizeText(size)}`, () => {
      const count = this.#cast(this.#shaped(this.#list([size]), []), type);
      const length = this.#node('Mul', [count, this.writer.constant(type, step)]);
      const limit = this.#node('Add', [length, this.writer.constant(type, start)]);
      return this.#node('Range', [this.writer.constant(type, start), limit, this.writer.constant(type, step)]);
    });
  }

  #float(variants: readonly [OnnxConstant, ...OnnxConstant[]], what: string): string {
    const [{ dims, values }] = variants;
    const seen = variants.map((each) => each.values[0] as number);
    const fitted = values.length === 1 ? fitPower(seen, this.#points) : undefined;
    if (!fitted) return refuseSize(what, seen, this.#points);
    const { factor, dimensions, power } = fitted;
    return this.#once(`float ${dims} ${factor} ${dimensions} ${power}`, () => {
      const wide = this.#cast(this.#list([[{ factor: 1, dimensions }]]), 'float64');
      const raised = this.#node('Pow', [wide, this.writer.constant('float64', power)]);
      const value = this.#cast(this.#node('Mul', [raised, this.writer.constant('float64', factor)]), 'float32');
      return dims.length === 1 ? value : this.#shaped(value, dims);
    });
  }

  /** An int64 list of numbers and sizes. */
  #list(sizes: readonly SizeExpression[]): string {
    return this.#once(`list ${sizes.map(sizeText)}`, () => {
      const parts: string[] = [];
      let fixed: number[] = [];
      const flush = () => {
        if (fixed.length > 0) parts.push(this.writer.constant('int64', fixed));
        fixed = [];
      };
      for (const size of sizes) {
        const [term] = size;
        if (size.length === 1 && term?.dimensions.length === 0) {
          fixed.push(term.factor);
          continue;
        }
        flush();
        parts.push(this.#sum(size));
      }
      flush();
      return parts.length === 1 ? (parts[0] as string) : this.#node('Concat', parts, { axis: 0 });
    });
  }

  /** One size as an int64 list of one. */
  #sum(size: SizeExpression): string {
    return this.#once(`sum ${sizeText(size)}`, () => {
      const terms = size.map(({ factor, dimensions }) => {
        const factors = dimensions.map((name) => this.#dimension(name));
        if (factor !== 1 || factors.length === 0) factors.push(this.writer.constant('int64', [factor]));
        return factors.reduce((left, right) => this.#node('Mul', [left, right]));
      });
      return terms.reduce((left, right) => this.#node('Add', [left, right]));
    });
  }

  #dimension(name: string): string {
    return this.#once(`dimension ${name}`, () => {
      const { input, axis } = this.#places.get(name) as Place;
      return this.#node('Shape', [input], { start: axis, end: axis + 1 });
    });
  }

  #cast(value: string, type: OnnxType): string {
    if (type === 'int64') return value;
    return this.#once(`cast ${value} ${type}`, () => this.#node('Cast', [value], { to: onnxTypes[type] }));
  }

  #shaped(value: string, dims: readonly number[]): string {
    return this.#once(`shaped ${value} ${dims}`, () =>
      this.#node('Reshape', [value, this.writer.constant('int64', dims)]),
    );
  }

  #node(op: string, inputs: readonly string[], attributes = {}): string {
    return this.writer.node(op, inputs, attributes);
  }

  #once(key: string, make: () => string): string {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = make();
    this.#known.set(key, name);
    return name;
  }
}

/** The last size that changes as what is left over: a reshape works it out. */
function withRest(sizes: readonly SizeExpression[]): readonly SizeExpression[] {
  const last = sizes.findLastIndex((size) => size.some(({ dimensions }) => dimensions.length > 0));
  return sizes.with(last, [{ factor: -1, dimensions: [] }]);
}

function isEqual(left: ArrayLike<number>, right: ArrayLike<number>): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (!Object.is(left[index], right[index])) return false;
  return true;
}

/** @throws GraphError `graph/dynamic` */
// biome-ignore lint/complexity/useMaxParams: what, its values, and where each was seen; the rule has a default.
export function refuseSize(
  what: string,
  values: readonly unknown[],
  points: readonly Sizes[],
  rule = 'a sum of at most two products of the sizes',
): never {
  const seen = values.map((value, index) => `${value} at ${pointText(points[index] as Sizes)}`).join('; ');
  throw new GraphError(
    'graph/dynamic',
    `toDynamicOnnx: ${what} is ${seen}. That is not ${rule}; compute it from the inputs, or fix that dimension.`,
  );
}

export function pointText(sizes: Sizes): string {
  return Object.entries(sizes)
    .map(([name, size]) => `${name} ${size}`)
    .join(', ');
}
