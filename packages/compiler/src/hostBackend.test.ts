import * as tf from '@tensorflow/tfjs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hostBackend } from './hostBackend.ts';

let tensorsBefore = 0;
let arraysBefore = 0;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
  arraysBefore = hostBackend().numDataIds();
});

const countsAreBack = () => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
  expect(hostBackend().numDataIds()).toBe(arraysBefore);
};

describe('the host backend', () => {
  it('is one, and no backend that tfjs would choose by itself', () => {
    const host = hostBackend();
    expect(hostBackend()).toBe(host);
    expect(tf.getBackend()).toBe('cpu');
  });

  it('holds the very array of a tensor until an operation takes it elsewhere', () => {
    const array = Float32Array.of(1, 2, 3);
    const tensor = tf.tidy(() => hostBackend().tensorOver(array, [3], 'float32'));
    expect(hostBackend().arrayOf(tensor)).toBe(array);
    array[0] = 10;
    expect([...tensor.dataSync()]).toEqual([10, 2, 3]);
    expect(tf.tidy(() => [...tf.add(tensor, 1).dataSync()])).toEqual([11, 3, 4]);
    expect(hostBackend().arrayOf(tensor)).toBeUndefined();
    tensor.dispose();
    countsAreBack();
  });

  it('keeps what is uploaded while it is active, of each dtype', async () => {
    const tensors = hostBackend().during(() => [
      tf.tensor([1.5, 2]),
      tf.tensor([1, 2], [2], 'int32'),
      tf.tensor([true, false], [2], 'bool'),
      tf.zeros([2]),
    ]);
    expect(tf.getBackend()).toBe('cpu');
    expect(tensors.map((tensor) => hostBackend().arrayOf(tensor))).toEqual([
      Float32Array.of(1.5, 2),
      Int32Array.of(1, 2),
      Uint8Array.of(1, 0),
      Float32Array.of(0, 0),
    ]);
    tf.dispose(tensors);
    countsAreBack();
  });

  it('gives the former backend back after an error', () => {
    expect(() =>
      hostBackend().during(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(tf.getBackend()).toBe('cpu');
  });
});

describe('values that are fetched when somebody reads them', () => {
  const sourceOf = (array: Float32Array) => {
    const calls: string[] = [];
    const source = {
      async read() {
        calls.push('read');
        return array;
      },
      readSync() {
        calls.push('readSync');
        return array;
      },
    };
    return { calls, tensor: hostBackend().tensorFrom(source, { shape: [2], dtype: 'float32' }) };
  };

  it('are not fetched before, and once', async () => {
    const { calls, tensor } = sourceOf(Float32Array.of(4, 5));
    expect([tensor.shape, tensor.dtype, calls]).toEqual([[2], 'float32', []]);
    expect(hostBackend().arrayOf(tensor)).toBeUndefined();
    expect([...(await tensor.data())]).toEqual([4, 5]);
    expect([...(await tensor.data())]).toEqual([4, 5]);
    expect([...tensor.dataSync()]).toEqual([4, 5]);
    expect(calls).toEqual(['read']);
    tensor.dispose();
    countsAreBack();
  });

  it('are fetched at once by an operation', () => {
    const { calls, tensor } = sourceOf(Float32Array.of(4, 5));
    expect(tf.tidy(() => [...tf.mul(tensor, 2).dataSync()])).toEqual([8, 10]);
    expect(calls).toEqual(['readSync']);
    tensor.dispose();
    countsAreBack();
  });

  it('are fetched ahead by who gives up their source', async () => {
    const array = Float32Array.of(4, 5);
    const { calls, tensor } = sourceOf(array);
    await hostBackend().fetch(tensor);
    await hostBackend().fetch(tensor);
    expect(hostBackend().arrayOf(tensor)).toBe(array);
    expect([[...tensor.dataSync()], calls]).toEqual([[4, 5], ['read']]);
    tensor.dispose();
    countsAreBack();
  });

  it('are fetched at once for who wants the array itself', async () => {
    const array = Float32Array.of(4, 5);
    const { calls, tensor } = sourceOf(array);
    expect([hostBackend().arrayNow(tensor), hostBackend().arrayNow(tensor)]).toEqual([array, array]);
    expect(hostBackend().arrayOf(tensor)).toBe(array);
    expect([[...(await tensor.data())], calls]).toEqual([[4, 5], ['readSync']]);
    expect(tf.tidy(() => [...tf.mul(tensor, 2).dataSync()])).toEqual([8, 10]);
    expect(hostBackend().arrayNow(tensor)).toBeUndefined();
    tensor.dispose();
    countsAreBack();
  });

  it('never, if they are freed first; and leave nothing where they are freed meanwhile', async () => {
    const { calls, tensor } = sourceOf(Float32Array.of(4, 5));
    const reading = tensor.data();
    tensor.dispose();
    expect([...(await reading)]).toEqual([4, 5]);
    expect(calls).toEqual(['read']);
    countsAreBack();
  });
});
