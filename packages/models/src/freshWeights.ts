import type { ModelParameter } from '@peft/checkpoint';
import { fold, type HostArray, hostArray, PeftError, type Seed, sizeOf } from '@peft/core';
import { normals } from '@peft/ops';

/**
 * Weights to train from, drawn as transformers draws them: matrices and tables normal with the deviation given, biases
 * zero, norm gains one. Each has a stream of its own, so equal seeds and paths give equal weights.
 */
export function* freshWeights(
  parameters: Iterable<readonly [path: string, parameter: ModelParameter]>,
  { deviation, seed }: { readonly deviation: number; readonly seed: Seed },
): Iterable<readonly [path: string, array: HostArray]> {
  for (const [path, { shape }] of parameters) {
    const size = sizeOf(shape);
    if (shape.length === 1) {
      yield [path, hostArray(new Float32Array(size).fill(path.endsWith('.weight') ? 1 : 0))];
      continue;
    }
    const values = normals(fold(seed, path), size);
    for (let index = 0; index < size; index++) values[index] = (values[index] as number) * deviation;
    yield [path, hostArray(values, shape)];
  }
}

/** The standard deviation that transformers draws a model's weights with. */
export function initializerRange(config: Readonly<Record<string, unknown>>): number {
  const { initializer_range: value = 0.02 } = config;
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
  throw new PeftError(
    'model/config',
    `initializer_range is ${JSON.stringify(value)}; it must be a number of at least 0.`,
  );
}
