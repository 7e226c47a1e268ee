import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { expectLike } from '../test/expectLike.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { gather } from './gather.ts';
import { gather as reference } from './reference/gather.ts';

onEachBackend((backend) => {
  it('reads rows and adds up the gradients of repeated ids, for any table and ids', () => {
    const drawn = fc
      .record({ rows: fc.integer({ min: 1, max: 6 }), width: fc.integer({ min: 1, max: 4 }) })
      .chain(({ rows, width }) =>
        fc.record({
          rows: fc.constant(rows),
          width: fc.constant(width),
          ids: fc.array(fc.integer({ min: 0, max: rows - 1 }), { minLength: 1, maxLength: 9 }),
        }),
      );
    fc.assert(
      fc.property(drawn, ({ rows, width, ids }) => {
        const read = tf.tensor1d(ids, 'int32');
        expectLike({
          shapes: { table: [rows, width] },
          output: [ids.length, width],
          run: ({ table }) => gather(table, read),
          reference: ({ table }) => reference(table, ids, width),
        });
        read.dispose();
      }),
      { numRuns: 30 },
    );
  });

  it('keeps the shape of the ids, one id alone included', () => {
    const table = tf.tensor2d([
      [1, 2],
      [3, 4],
    ]);
    expect(gather(table, tf.scalar(1, 'int32')).arraySync()).toEqual([3, 4]);
    expect(gather(table, tf.tensor3d([[[1], [0]]], [1, 2, 1], 'int32')).arraySync()).toEqual([[[[3, 4]], [[1, 2]]]]);
  });

  it('refuses what is no table or no ids', () => {
    const ids = tf.tensor1d([0, 3], 'int32');
    expect(() => gather(tf.zeros([2]), ids)).toThrow('gather reads a table [rows, width], got shape [2]; reshape it.');
    expect(() => gather(tf.zeros([2, 2]), tf.tensor1d([0]))).toThrow(
      "gather needs int32 ids, got float32; cast them with tf.cast(ids, 'int32').",
    );
    expect(() => gather(tf.zeros([3, 2]), ids), backend).toThrow('3 is not in [0, 2]');
  });
});
