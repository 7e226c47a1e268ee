import * as tf from '@tensorflow/tfjs';
import { fold } from '../src/fold.ts';
import { normals } from '../src/normals.ts';

/** Standard normal values as float64, exactly representable in float32. */
export function draw(name: string, size: number): Float64Array {
  return Float64Array.from(normals(fold(7, name), size));
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, axis) => size * axis, 1);
}

export function tensorOf(values: Float64Array, shape: readonly number[]): tf.Tensor {
  return tf.tensor(Float32Array.from(values), [...shape]);
}

/** norm(actual - expected) / norm(expected), or norm(actual) where the expected tensor is zero. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let norm = 0;
  for (let index = 0; index < expected.length; index++) {
    difference += ((actual[index] as number) - (expected[index] as number)) ** 2;
    norm += (expected[index] as number) ** 2;
  }
  return Math.sqrt(difference) / (norm === 0 ? 1 : Math.sqrt(norm));
}
