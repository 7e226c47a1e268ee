import { GraphError } from './graphError.ts';

export type DType = 'float32' | 'int32' | 'bool';

export type TypedArray = Float32Array | Int32Array | Uint8Array;

/** Shape and dtype of one tensor; every size is known. */
export interface TensorType {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

export function isSameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && `${a.shape}` === `${b.shape}`;
}

/** As the printer and the errors write it: float32[2,3]. */
export function typeText({ shape, dtype }: TensorType): string {
  return `${dtype}[${shape.join(',')}]`;
}

/** Four bytes a number, one a bool. */
export function bytesOf({ shape, dtype }: TensorType): number {
  return sizeOf(shape) * (dtype === 'bool' ? 1 : 4);
}

export function typedArray(dtype: DType, values: number | ArrayLike<number>): TypedArray {
  if (dtype === 'float32') return typeof values === 'number' ? new Float32Array(values) : Float32Array.from(values);
  if (dtype === 'int32') return typeof values === 'number' ? new Int32Array(values) : Int32Array.from(values);
  return typeof values === 'number' ? new Uint8Array(values) : Uint8Array.from(values);
}

/** @throws GraphError `graph/dtype` for tfjs dtypes that no graph holds. */
export function dtypeOf(dtype: string): DType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new GraphError('graph/dtype', `a graph holds float32, int32 and bool, not ${dtype}; cast the tensor first.`);
}
