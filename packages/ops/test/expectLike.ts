import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { draw, relativeError, sizeOf, tensorOf } from './draw.ts';

interface Case<Names extends string> {
  readonly shapes: Readonly<Record<Names, readonly number[]>>;
  readonly output: readonly number[];
  /** The operation, in float32. */
  readonly run: (inputs: Record<Names, tf.Tensor>) => tf.Tensor;
  /** The same function in float64, flat arrays in and out. */
  readonly reference: (inputs: Record<Names, Float64Array>) => Float64Array;
  readonly tolerance?: number;
}

/** Float32 against float64, relative to the norm: some tens of roundings of 6e-8 each. */
const TOLERANCE = 3e-6;

/**
 * Asserts that an operation gives the reference's values, that its gradients are the reference's central differences,
 * input by input and all together, and that it leaves no tensor behind.
 */
export function expectLike<Names extends string>(check: Case<Names>): void {
  const { shapes, output, run, reference, tolerance = TOLERANCE } = check;
  const names = Object.keys(shapes) as Names[];
  const values = Object.fromEntries(names.map((name) => [name, draw(name, sizeOf(shapes[name]))])) as Record<
    Names,
    Float64Array
  >;
  const tensors = names.map((name) => tensorOf(values[name], shapes[name]));
  const weights = draw('dy', sizeOf(output));
  const weight = tensorOf(weights, output);
  const before = tf.memory().numTensors;
  const call = (given: readonly tf.Tensor[]) =>
    run(Object.fromEntries(names.map((name, index) => [name, given[index]])) as Record<Names, tf.Tensor>);

  tf.tidy(() => {
    const result = call(tensors);
    expect(result.shape).toEqual(output);
    expect(relativeError(result.dataSync(), reference(values))).toBeLessThan(tolerance);
  });
  tf.tidy(() => {
    const objective = (...given: tf.Tensor[]) => tf.sum(tf.mul(call(given), weight));
    const together = tf.grads(objective)(tensors);
    names.forEach((name, index) => {
      const expected = differences(reference, { values, weights, name });
      expect(relativeError((together[index] as tf.Tensor).dataSync(), expected), `gradient of ${name}`).toBeLessThan(
        10 * tolerance,
      );
      const alone = tf.grad((given) => objective(...tensors.map((tensor, at) => (at === index ? given : tensor))));
      expect(alone(tensors[index] as tf.Tensor).dataSync(), `gradient of ${name} alone`).toEqual(
        (together[index] as tf.Tensor).dataSync(),
      );
    });
  });
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose([tensors, weight]);
}

const STEP = 1e-4;

function differences<Names extends string>(
  reference: (inputs: Record<Names, Float64Array>) => Float64Array,
  { values, weights, name }: { values: Record<Names, Float64Array>; weights: Float64Array; name: Names },
): Float64Array {
  const at = (index: number, shift: number) => {
    const moved = Float64Array.from(values[name]);
    moved[index] = (moved[index] as number) + shift;
    return reference({ ...values, [name]: moved }).reduce((sum, y, place) => sum + y * (weights[place] as number), 0);
  };
  return Float64Array.from(values[name], (_, index) => (at(index, STEP) - at(index, -STEP)) / (2 * STEP));
}
