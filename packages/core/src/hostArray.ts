import { PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { widenBfloat16, widenFloat8e4m3, widenFloat8e5m2, widenFloat16 } from './narrowFloats.ts';

export type DType =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'float8_e4m3'
  | 'float8_e5m2'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool';

export type TypedArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | BigUint64Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

/** Values on the host in row-major order. 16- and 8-bit floats keep their bits in Uint16Array and Uint8Array. */
export interface HostArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** A float32 (Float32Array, number[]) or int32 (Int32Array) host array; the shape defaults to one axis. */
export function hostArray(
  values: Float32Array | Int32Array | readonly number[],
  shape: readonly number[] = [values.length],
): HostArray {
  const data = values instanceof Float32Array || values instanceof Int32Array ? values : Float32Array.from(values);
  if (sizeOf(shape) !== data.length) {
    throw new PeftError(
      'data/shape',
      `an array of ${data.length} values cannot have shape [${shape}] (${sizeOf(shape)} values); pass the shape of the data.`,
    );
  }
  return { dtype: data instanceof Int32Array ? 'int32' : 'float32', shape: [...shape], data };
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

/** The values as float32: the same array where it is one already, else a widened or rounded copy. */
export function toFloat32(array: HostArray): Float32Array {
  const { data } = array;
  switch (array.dtype) {
    case 'float32':
      return data as Float32Array;
    case 'float16':
      return widenFloat16(data as Uint16Array);
    case 'bfloat16':
      return widenBfloat16(data as Uint16Array);
    case 'float8_e4m3':
      return widenFloat8e4m3(data as Uint8Array);
    case 'float8_e5m2':
      return widenFloat8e5m2(data as Uint8Array);
    default:
      return Float32Array.from(data as ArrayLike<number | bigint>, Number);
  }
}

/** Uploads to the active backend: floats as float32, integers as int32, bool as bool. The caller owns the tensor. */
export function toTensor(array: HostArray): tf.Tensor {
  const shape = [...array.shape];
  if (array.dtype === 'bool') return tf.tensor(array.data as Uint8Array, shape, 'bool');
  if (array.dtype.startsWith('int') || array.dtype.startsWith('uint')) {
    const { data } = array;
    return tf.tensor(data instanceof Int32Array ? data : toInt32(array), shape, 'int32');
  }
  return tf.tensor(toFloat32(array), shape, 'float32');
}

/** Reads a tensor back. The result does not share memory with the tensor. */
export async function fromTensor(tensor: tf.Tensor): Promise<HostArray> {
  const data = (await tensor.data()) as Float32Array | Int32Array | Uint8Array;
  return { dtype: tensor.dtype as DType, shape: [...tensor.shape], data: data.slice() };
}

function toInt32(array: HostArray): Int32Array {
  return Int32Array.from(array.data as ArrayLike<number | bigint>, (value) => {
    if (value > 2147483647 || value < -2147483648) {
      throw new PeftError(
        'data/range',
        `the ${array.dtype} value ${value} does not fit int32, the widest integer of a tensor; scale or re-index the data.`,
      );
    }
    return Number(value);
  });
}
