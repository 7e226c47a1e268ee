import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DType, fromTensor, type HostArray, hostArray, sizeOf, toFloat32, toTensor } from './hostArray.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('hostArray', () => {
  it('makes float32 of numbers and keeps typed arrays as they are', () => {
    expect(hostArray([1, 2.5])).toEqual({ dtype: 'float32', shape: [2], data: Float32Array.of(1, 2.5) });
    const values = Int32Array.of(1, 2, 3, 4);
    expect(hostArray(values, [2, 2])).toEqual({ dtype: 'int32', shape: [2, 2], data: values });
    expect(hostArray(values).data).toBe(values);
    expect(hostArray([7], [])).toEqual({ dtype: 'float32', shape: [], data: Float32Array.of(7) });
  });

  it('counts the elements of a shape', () => {
    expect([[], [3], [2, 3, 4], [5, 0]].map(sizeOf)).toEqual([1, 3, 24, 0]);
  });
});

const arrays: readonly HostArray[] = [
  { dtype: 'float64', shape: [2], data: Float64Array.of(1.5, -2) },
  { dtype: 'float32', shape: [2], data: Float32Array.of(1.5, -2) },
  { dtype: 'float16', shape: [2], data: Uint16Array.of(0x3e00, 0xc000) },
  { dtype: 'bfloat16', shape: [2], data: Uint16Array.of(0x3fc0, 0xc000) },
  { dtype: 'float8_e4m3', shape: [2], data: Uint8Array.of(0x3c, 0xc0) },
  { dtype: 'float8_e5m2', shape: [2], data: Uint8Array.of(0x3e, 0xc0) },
];
const integers: readonly HostArray[] = [
  { dtype: 'int64', shape: [2], data: BigInt64Array.of(3n, -2147483648n) },
  { dtype: 'int32', shape: [2], data: Int32Array.of(3, -2147483648) },
  { dtype: 'int16', shape: [2], data: Int16Array.of(3, -32768) },
  { dtype: 'int8', shape: [2], data: Int8Array.of(3, -128) },
  { dtype: 'uint64', shape: [2], data: BigUint64Array.of(3n, 2147483647n) },
  { dtype: 'uint32', shape: [2], data: Uint32Array.of(3, 2147483647) },
  { dtype: 'uint16', shape: [2], data: Uint16Array.of(3, 65535) },
  { dtype: 'uint8', shape: [2], data: Uint8Array.of(3, 255) },
];

describe('toFloat32 and toTensor', () => {
  it.each(arrays.map((array) => [array.dtype, array] as const))('widen %s', (_dtype, array) => {
    expect(toFloat32(array)).toEqual(Float32Array.of(1.5, -2));
    const tensor = toTensor(array);
    expect([tensor.dtype, tensor.shape, tensor.dataSync()]).toEqual(['float32', [2], Float32Array.of(1.5, -2)]);
    tensor.dispose();
  });

  it.each(integers.map((array) => [array.dtype, array] as const))('read %s', (_dtype, array) => {
    const values = Array.from(array.data as ArrayLike<number | bigint>, Number);
    expect(toFloat32(array)).toEqual(Float32Array.from(values));
    const tensor = toTensor(array);
    expect([tensor.dtype, Array.from(tensor.dataSync())]).toEqual(['int32', values]);
    tensor.dispose();
  });

  it('keeps bool and shares float32', () => {
    const tensor = toTensor({ dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) });
    expect([tensor.dtype, tensor.dataSync()]).toEqual(['bool', Uint8Array.of(1, 0, 1)]);
    tensor.dispose();
    const array = hostArray([1, 2]);
    expect(toFloat32(array)).toBe(array.data);
  });

  it.each([
    ['int64', BigInt64Array.of(2147483648n)],
    ['uint32', Uint32Array.of(2147483648)],
    ['int64', BigInt64Array.of(-2147483649n)],
  ] as const)('refuse %s beyond int32', (dtype, data) => {
    expect(() => toTensor({ dtype: dtype as DType, shape: [1], data })).toThrow(
      `the ${dtype} value ${data[0]} does not fit int32, the widest integer of a tensor; scale or re-index the data.`,
    );
  });
});

describe('fromTensor', () => {
  it('reads values, shape and dtype, sharing no memory', async () => {
    const tensor = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const array = await fromTensor(tensor);
    expect(array).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) });
    (array.data as Float32Array)[0] = 9;
    expect(tensor.dataSync()[0]).toBe(1);
    tensor.dispose();
    const mask = tf.tensor1d([true, false], 'bool');
    expect(await fromTensor(mask)).toEqual({ dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) });
    mask.dispose();
  });
});
