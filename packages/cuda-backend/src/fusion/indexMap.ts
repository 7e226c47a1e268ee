import { type Axis, broadcastAxes, joined } from '../lowering/broadcastAxes.ts';

/**
 * Where each number of a tensor comes from: the place of number i, counted in row-major order, is `offset` and the sum of
 * the steps of i's coordinates along `axes`, outermost first. Axes of length 1 are left out and even neighbours are one,
 * so that equal maps of one size have equal keys.
 */
export interface IndexMap {
  readonly axes: readonly Stride[];
  readonly offset: number;
}

export interface Stride {
  readonly length: number;
  readonly step: number;
}

export function identityMap(size: number): IndexMap {
  return mapOf([{ length: size, step: 1 }]);
}

/** How a dense tensor is read as if it were broadcast to another shape. */
export function broadcastMap(from: readonly number[], to: readonly number[]): IndexMap {
  return { axes: broadcastAxes(to, [from]).map(strideOf), offset: 0 };
}

export function mapOf(strides: readonly Stride[], offset = 0): IndexMap {
  const axes = joined(strides.map(({ length, step }) => ({ length, steps: [step] })));
  return { axes: axes.map(strideOf), offset };
}

const strideOf = ({ length, steps }: Axis): Stride => ({ length, step: steps[0] as number });

/** Steps of a dense tensor along its axes. */
export function denseStrides(shape: readonly number[]): readonly Stride[] {
  let step = 1;
  const strides = shape.toReversed().map((length) => {
    const stride = { length, step };
    step *= length;
    return stride;
  });
  return strides.reverse();
}

export function keyOfMap({ axes, offset }: IndexMap): string {
  return [...axes.map(({ length, step }) => `${length}x${step}`), offset].join(' ');
}

export function isIdentity({ axes, offset }: IndexMap): boolean {
  return offset === 0 && axes.length <= 1 && axes.every(({ step }) => step === 1);
}

/** Whether every number comes from one place. */
export function isConstant({ axes }: IndexMap): boolean {
  return axes.every(({ step }) => step === 0);
}

/** The map that goes by `outer` first and by `inner` from there; undefined where that is no sum of steps. */
export function composed(outer: IndexMap, inner: IndexMap): IndexMap | undefined {
  if (isIdentity(inner)) return outer;
  if (isConstant(inner)) return { axes: constantAxes(outer), offset: inner.offset };
  if (isIdentity(outer)) return inner;
  if (outer.offset !== 0) return undefined;
  const strides: Stride[] = [];
  for (const axis of outer.axes) {
    const parts = axis.step === 0 ? [axis] : through(axis, inner.axes);
    if (!parts) return undefined;
    strides.push(...parts);
  }
  return mapOf(strides, inner.offset);
}

const constantAxes = ({ axes }: IndexMap): readonly Stride[] =>
  mapOf(axes.map(({ length }) => ({ length, step: 0 }))).axes;

/** One axis of places in a tensor whose own places go by `axes`: it may cross several, never a part of one. */
function through({ length, step }: Stride, axes: readonly Stride[]): readonly Stride[] | undefined {
  const parts: Stride[] = [];
  let [left, inside, place] = [length, 1, step];
  for (const axis of axes.toReversed()) {
    const end = inside * axis.length;
    if (place >= end) {
      inside = end;
      continue;
    }
    if (place % inside !== 0) return undefined;
    const room = end / place;
    const taken = Math.min(left, room);
    if (left > room && left % room !== 0) return undefined;
    if (left > room && end % place !== 0) return undefined;
    parts.unshift({ length: taken, step: (place / inside) * axis.step });
    left /= taken;
    if (left === 1) return parts;
    place = end;
    inside = end;
  }
  return undefined;
}

/** The map of rows of `width` numbers as one by row and one within the row; undefined where an axis crosses the edge. */
export function splitAt(width: number, { axes, offset }: IndexMap): readonly [IndexMap, IndexMap] | undefined {
  const [outer, inner]: [Stride[], Stride[]] = [[], []];
  let size = 1;
  for (const axis of axes.toReversed()) {
    if (size >= width) outer.unshift(axis);
    else if (width % (size * axis.length) === 0) inner.unshift(axis);
    else {
      const part = width / size;
      if (!Number.isInteger(part) || axis.length % part !== 0) return undefined;
      inner.unshift({ length: part, step: axis.step });
      outer.unshift({ length: axis.length / part, step: axis.step * part });
    }
    size *= axis.length;
  }
  return [mapOf(outer, offset), mapOf(inner)];
}

/** C++ of the place of number `index`, a name or an expression in parentheses. */
export function placeText({ axes, offset }: IndexMap, index: string): string {
  let inside = axes.reduce((size, { length }) => size * length, 1);
  const terms = axes.flatMap(({ length, step }, place) => {
    inside /= length;
    if (step === 0) return [];
    const moved = inside === 1 ? index : `${index} / ${inside}`;
    const own = place === 0 ? moved : `${moved} % ${length}`;
    if (step === 1) return [own];
    return [own === index ? `${own} * ${step}` : `(${own}) * ${step}`];
  });
  if (offset !== 0) terms.push(`${offset}`);
  return terms.length === 0 ? '0' : terms.join(' + ');
}
