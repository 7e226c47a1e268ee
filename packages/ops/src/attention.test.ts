import * as tf from '@tensorflow/tfjs';
import { expect, it, vi } from 'vitest';
import { expectLike } from '../test/expectLike.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { attention } from './attention.ts';
import { attention as reference } from './reference/attention.ts';

const shapes = [
  { leading: [], queries: 3, keys: 4, size: 2, width: 5 },
  { leading: [2, 2], queries: 3, keys: 3, size: 4, width: 4 },
  { leading: [3], queries: 1, keys: 5, size: 1, width: 1 },
];

onEachBackend(() => {
  it.each(shapes)('attends over $keys keys, leading axes $leading', ({ leading, ...shape }) => {
    const { queries, keys, size, width } = shape;
    const batch = leading.reduce((product, axis) => product * axis, 1);
    expectLike({
      shapes: { query: [...leading, queries, size], key: [...leading, keys, size], value: [...leading, keys, width] },
      output: [...leading, queries, width],
      run: ({ query, key, value }) => attention(query, key, value),
      reference: (inputs) => reference(inputs, { batch, ...shape, scale: 1 / Math.sqrt(size) }),
    });
  });

  it('adds the mask to the scores and scales as told', () => {
    const mask = Float64Array.from([0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0]);
    const causal = tf.tensor(Float32Array.from(mask), [3, 3]);
    expectLike({
      shapes: { query: [2, 3, 4], key: [2, 3, 4], value: [2, 3, 2] },
      output: [2, 3, 2],
      run: ({ query, key, value }) => attention(query, key, value, { mask: causal, scale: 0.7 }),
      reference: (inputs) => reference(inputs, { batch: 2, queries: 3, keys: 3, size: 4, width: 2, scale: 0.7 }, mask),
    });
  });

  it.each([
    [3, 3],
    [2, 5],
  ])('%i causal queries of %i keys see what is not after them, by a mask too', (queries, keys) => {
    const later = Array.from({ length: queries * keys }, (_, index) =>
      index % keys > Math.floor(index / keys) + keys - queries ? -1e9 : 0,
    );
    const padding = Array.from({ length: keys }, (_, index) => (index === 1 ? -3 : 0));
    const both = Float64Array.from(later, (value, index) => value + (padding[index % keys] as number));
    const mask = tf.tensor(padding, [1, keys]);
    const shape = { batch: 2, queries, keys, size: 4, width: 2, scale: 0.5 };
    const shapes = { query: [2, queries, 4], key: [2, keys, 4], value: [2, keys, 2] };
    const output = [2, queries, 2];
    expectLike({
      shapes,
      output,
      run: ({ query, key, value }) => attention(query, key, value, { causal: true }),
      reference: (inputs) => reference(inputs, shape, Float64Array.from(later)),
    });
    expectLike({
      shapes,
      output,
      run: ({ query, key, value }) => attention(query, key, value, { causal: true, mask }),
      reference: (inputs) => reference(inputs, shape, both),
    });
  });

  it('computes the gradient of the scores once for query and key', () => {
    const value = tf.ones([2, 3]);
    const runKernel = vi.spyOn(tf.engine(), 'runKernel');
    tf.tidy(() =>
      tf.grads((q, k) => attention(q as tf.Tensor, k as tf.Tensor, value))([tf.ones([2, 3]), tf.ones([2, 3])]),
    );
    expect(runKernel.mock.calls.filter(([name]) => name === 'PeftAttentionGrad')).toHaveLength(1);
    runKernel.mockRestore();
  });

  it('refuses shapes that do not fit', () => {
    const fits = tf.zeros([2, 3, 4]);
    const message =
      'attention of query [2,3,4], key [2,5,3] and value [2,3,4] does not fit: ' +
      'it takes [..., queries, size], [..., keys, size] and [..., keys, width].';
    expect(() => attention(fits, tf.zeros([2, 5, 3]), fits)).toThrow(message);
    expect(() => attention(fits, tf.zeros([1, 3, 4]), fits)).toThrow('does not fit');
    expect(() => attention(fits, fits, tf.zeros([2, 2, 4]))).toThrow('does not fit');
    expect(() => attention(fits, fits, fits, { mask: tf.zeros([2, 3]) })).toThrow(
      'attention mask [2,3] does not broadcast to the scores [2,3,3]; reshape it.',
    );
  });
});
