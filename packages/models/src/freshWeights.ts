import type { ModelParameter } from '@peft/checkpoint';
import { fold, type HostArray, hostArray, PeftError, type Seed, sizeOf } from '@peft/core';
import { normals } from '@peft/ops';
import { sayValue } from './configFields.ts';

export type FreshDraw = {
  /** Standard deviation of matrices and tables. */
  readonly deviation: number;
  readonly seed: Seed;
  /** Normal values of a standard deviation; those of `normals` of @peft/ops unless given. */
  readonly draw?: (seed: Seed, count: number, deviation: number) => Float32Array;
};

/**
 * Weights to train from, drawn as transformers draws them: matrices and tables normal with the deviation given, biases
 * zero, norm gains one. Each has a stream of its own, so equal seeds and paths give equal weights.
 */
export function* freshWeights(
  parameters: Iterable<readonly [path: string, parameter: ModelParameter]>,
  { deviation, seed, draw = scaledNormals }: FreshDraw,
): Iterable<readonly [path: string, array: HostArray]> {
  for (const [path, { shape }] of parameters) {
    const size = sizeOf(shape);
    if (shape.length === 1) {
      yield [path, hostArray(new Float32Array(size).fill(path.endsWith('.weight') ? 1 : 0))];
      continue;
    }
    yield [path, hostArray(draw(fold(seed, path), size, deviation), shape)];
  }
}

function scaledNormals(seed: Seed, count: number, deviation: number): Float32Array {
  const values = normals(seed, count);
  for (let index = 0; index < count; index++) values[index] = (values[index] as number) * deviation;
  return values;
}

/** The standard deviation that transformers draws a model's weights with, by the field of config.json that says it. */
export function initializerRange(config: Readonly<Record<string, unknown>>, field = 'initializer_range'): number {
  const value = config[field] ?? 0.02;
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
  throw new PeftError(
    'model/config',
    `${field} in config.json is ${sayValue(value)}; it must be a number of at least 0.`,
  );
}
