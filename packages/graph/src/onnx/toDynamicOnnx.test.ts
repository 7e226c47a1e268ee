import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { dynamicCases } from '../../test/dynamicCases.ts';
import { capture } from '../capture/capture.ts';
import { GraphError } from '../graphError.ts';
import { type DynamicOnnxOptions, toDynamicOnnx } from './toDynamicOnnx.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Run = (x: tf.Tensor, sizes: { readonly batch: number; readonly sequence: number }) => tf.Tensor;

function modelOf(run: Run, options: Partial<DynamicOnnxOptions> = {}) {
  return toDynamicOnnx(
    (sizes) => {
      const { batch, sequence } = sizes as { batch: number; sequence: number };
      const inputs = { x: { shape: [batch, sequence, 4], dtype: 'float32' } };
      return capture(({ x }) => ({ y: run(x, { batch, sequence }) }), { inputs });
    },
    { dimensions: ['batch', 'sequence'], weights: 'inside', ...options },
  );
}

function refusal(run: Run, options: Partial<DynamicOnnxOptions> = {}): string {
  try {
    modelOf(run, options);
  } catch (error) {
    expect(error).toBeInstanceOf(GraphError);
    return `${(error as GraphError).code}: ${(error as GraphError).message}`;
  }
  return 'written';
}

describe('toDynamicOnnx', () => {
  it.each(Object.entries(dynamicCases))(
    'writes %s for all sizes, the same at every call',
    (_, { dimensions, graphAt }) => {
      const [first, second] = [0, 1].map(() => toDynamicOnnx(graphAt, { dimensions, weights: 'inside' }));
      expect(first?.model).toEqual(second?.model);
      for (const { shape } of first?.inputs ?? []) {
        for (const size of shape) if (typeof size === 'string') expect(dimensions).toContain(size);
      }
    },
  );

  it('names what follows from the sizes', () => {
    const { inputs, outputs } = modelOf((x, { batch, sequence }) => tf.reshape(x, [batch * sequence, 4]));
    expect(inputs.map(({ shape }) => shape)).toEqual([['batch', 'sequence', 4]]);
    expect(outputs).toEqual([{ name: 'y', onnxName: 'y', dtype: 'float32', shape: ['batch*sequence', 4] }]);
  });

  it('captures at the sizes it is given', () => {
    const seen: number[] = [];
    const captures = [3, 4, 6].map((batch) => ({ batch, sequence: 2 * batch + 1 + (batch === 6 ? 2 : 0) }));
    modelOf(
      (x, { sequence }) => {
        seen.push(sequence);
        return tf.neg(x);
      },
      { captures },
    );
    expect(seen).toEqual([7, 9, 15]);
  });
});

describe('refused', () => {
  it('a branch on a size, naming the operation', () => {
    expect(refusal((x, { batch }) => (batch > 3 ? tf.exp(x) : tf.neg(x)))).toBe(
      'graph/dynamic: toDynamicOnnx: the function is not one for all sizes: operation 0 is Neg (Neg of x, {}) at batch 2, sequence 11, Exp (Exp of x, {}) at batch 5, sequence 13. Write it without a branch on a size, and choose sizes that the function has nowhere else.',
    );
  });

  it('a size that follows no rule, naming who reads it', () => {
    expect(
      refusal((x, { batch }) =>
        tf.pad(x, [
          [0, 0],
          [0, 2 ** batch],
          [0, 0],
        ]),
      ),
    ).toBe(
      'graph/dynamic: toDynamicOnnx: a constant that PadV2 reads is 4 at batch 2, sequence 11; 8 at batch 3, sequence 7; 32 at batch 5, sequence 13; 128 at batch 7, sequence 5. That is not a sum of at most two products of the sizes; compute it from the inputs, or fix that dimension.',
    );
  });

  it('numbers and lists that follow no rule', () => {
    expect(refusal((x, { batch }) => tf.mul(x, Math.sin(batch)))).toMatch(
      /^graph\/dynamic: toDynamicOnnx: a constant that Multiply reads is 0\.909\d* at batch 2, sequence 11; /,
    );
    const squares = (x: tf.Tensor, { sequence }: { sequence: number }) =>
      tf.add(x, tf.reshape(tf.tensor1d(Array.from({ length: sequence }, (_, i) => i * i)), [1, sequence, 1]));
    expect(refusal(squares)).toBe(
      'graph/dynamic: toDynamicOnnx: the shape of a constant that Reshape reads is [11] at batch 2, sequence 11; [7] at batch 3, sequence 7; [13] at batch 5, sequence 13; [5] at batch 7, sequence 5. That is not values counted up by tf.range; compute it from the inputs, or fix that dimension.',
    );
  });

  it('a dimension that no input has, parameters that grow', () => {
    const hidden = () =>
      toDynamicOnnx(
        ({ rows }) =>
          capture(({ x }) => ({ y: tf.neg(x) }), {
            inputs: { x: { shape: [2 * (rows as number)], dtype: 'float32' } },
          }),
        { dimensions: ['rows'], weights: 'inside' },
      );
    expect(hidden).toThrow(
      new GraphError(
        'graph/dynamic',
        'toDynamicOnnx: no input has the size "rows" as one of its dimensions, so a run could not tell it; name only sizes of inputs.',
      ),
    );
    const growing = (x: tf.Tensor, { batch }: { batch: number }) => tf.add(x, tables[batch] as tf.Tensor);
    const tables = Object.fromEntries([2, 3, 5, 7].map((batch) => [batch, tf.ones([batch, 1, 4])]));
    expect(refusal(growing)).toBe(
      'graph/dynamic: toDynamicOnnx: the function is not one for all sizes: the shape of "parameter0" is [2,1,4] at batch 2, sequence 11, [3,1,4] at batch 3, sequence 7. Write it without a branch on a size, and choose sizes that the function has nowhere else.',
    );
    tf.dispose(tables);
  });

  it('captures that could not tell, all at once', () => {
    const captures: readonly Readonly<Record<string, number>>[] = [{ batch: 2, sequence: 3 }, { batch: 2 }];
    expect(refusal((x) => x, { captures })).toBe(
      'graph/dynamic: toDynamicOnnx cannot capture:\n  2 captures, of which two would fit anything; give three or more\n  capture 1 has sizes for batch, not batch, sequence\n  "batch" is 2, 2; give another size each time',
    );
    expect(refusal((x) => x, { dimensions: ['a', 'b', 'c', 'd', 'e'] })).toBe(
      'graph/dynamic: toDynamicOnnx: sizes to capture at are known for up to 4 dimensions, not 5; give captures.',
    );
  });
});
