import { GraphError } from '../graphError.ts';
import { sizeOf } from '../tensorType.ts';

/** Steps between neighbours along each axis of a dense tensor. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis] as number;
  }
  return strides;
}

export interface View {
  readonly strides: readonly number[];
  readonly offset?: number;
}

/** The elements of a strided view of `data`, dense: slices, transposes, reversals and broadcasts alike. */
export function readView(data: ArrayLike<number>, shape: readonly number[], { strides, offset = 0 }: View) {
  const result = new Float64Array(sizeOf(shape));
  const place = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let index = 0; index < result.length; index++) {
    result[index] = data[at] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const step = strides[axis] as number;
      const next = (place[axis] as number) + 1;
      at += step;
      if (next < (shape[axis] as number)) {
        place[axis] = next;
        break;
      }
      place[axis] = 0;
      at -= step * next;
    }
  }
  return result;
}

/** Strides that read a tensor of shape `from` as if it were broadcast to `to`. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(from);
  return to.map((_, axis) => {
    const source = axis - (to.length - from.length);
    return source < 0 || from[source] === 1 ? 0 : (own[source] as number);
  });
}

/** @throws GraphError `graph/shape` */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - (rank - a.length)] ?? 1;
    const right = b[axis - (rank - b.length)] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new GraphError('graph/shape', `shapes [${a}] and [${b}] do not broadcast; make their axes equal or 1.`);
    }
    return left === 1 ? right : left;
  });
}

/** Axes counted from the front, ascending; all axes for `undefined`. */
export function axesFromFront(axis: unknown, rank: number): number[] {
  const axes =
    axis === undefined || axis === null ? Array.from({ length: rank }, (_, i) => i) : ([axis].flat() as number[]);
  return axes.map((each) => axisFromFront(each, rank)).sort((left, right) => left - right);
}

export function axisFromFront(axis: unknown, rank: number): number {
  const number = Number(axis ?? 0);
  return number < 0 ? number + rank : number;
}
