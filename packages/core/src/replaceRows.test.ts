import { gather, matMul } from '@peft/ops';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { replaceLookups, replaceProducts, replaceRows } from './replaceRows.ts';
import { requireClose } from './testing/equality.ts';

const vocabulary = 7;
const ids = [5, 0, 3];
const tokens = [3, 1, 5, 5, 6, 0];

/** Ordinary tensors, the table with rows scattered into it on the host, and gradients by plain operations. */
function setting() {
  const table = tf.randomNormal([vocabulary, 4], 0, 1, 'float32', 1);
  const rows = tf.randomNormal([ids.length, 4], 0, 1, 'float32', 2);
  const host = table.arraySync() as number[][];
  for (const [index, id] of ids.entries()) host[id] = (rows.arraySync() as number[][])[index] as number[];
  return { table, rows, replaced: tf.tensor2d(host) };
}

/** For every row of the table, the row that is trained, or none. */
const rowGradient = (whole: tf.Tensor) => tf.gather(whole, tf.tensor1d(ids, 'int32'));

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  const check = (name: string, work: (of: ReturnType<typeof setting>) => void) =>
    test(name, async () => {
      await tf.setBackend(backend);
      const before = tf.memory().numTensors;
      tf.tidy(() => work(setting()));
      expect(tf.memory().numTensors).toBe(before);
    });

  check('a lookup is that of the table with the rows in it, bit for bit, and so is its gradient', (of) => {
    const wanted = tf.tensor2d(tokens, [2, 3], 'int32');
    const dy = tf.randomNormal([2, 3, 4], 0, 1, 'float32', 3);
    const run = (rows: tf.Tensor) => replaceLookups(gather(of.table, wanted), wanted, { ids, rows, vocabulary });
    expect(run(of.rows).arraySync()).toEqual(gather(of.replaced, wanted).arraySync());
    const mine = tf.grad(run)(of.rows, dy);
    const theirs = rowGradient(tf.grad((table) => gather(table, wanted))(of.replaced, dy));
    requireClose(mine.dataSync() as Float32Array, theirs.dataSync() as Float32Array, {
      what: 'gradient',
      tolerance: 1e-6,
    });
    expect((mine.arraySync() as number[][])[2]).toEqual((dy.arraySync() as number[][][])[0]?.[0]);
  });

  check('a product is that of the table with the rows in it; what the rows do not touch keeps its bits', (of) => {
    const input = tf.randomNormal([2, 3, 4], 0, 1, 'float32', 4);
    const dy = tf.randomNormal([2, 3, vocabulary], 0, 1, 'float32', 5);
    const own = matMul(input, of.table, false, true);
    const run = (x: tf.Tensor, rows: tf.Tensor) => replaceProducts(matMul(x, of.table, false, true), x, { ids, rows });
    const whole = (x: tf.Tensor, table: tf.Tensor) => matMul(x, table, false, true);
    const close = (actual: tf.Tensor, expected: tf.Tensor, what: string) =>
      requireClose(actual.dataSync() as Float32Array, expected.dataSync() as Float32Array, { what, tolerance: 1e-6 });
    const mine = run(input, of.rows);
    close(mine, whole(input, of.replaced), 'output');
    const kept = tf.tensor1d([1, 2, 4, 6], 'int32');
    expect(tf.gather(mine, kept, 2).arraySync()).toEqual(tf.gather(own, kept, 2).arraySync());
    const [dx, drows] = tf.grads(run)([input, of.rows], dy);
    const [theirDx, dtable] = tf.grads(whole)([input, of.replaced], dy);
    close(dx as tf.Tensor, theirDx as tf.Tensor, 'gradient of the input');
    close(drows as tf.Tensor, rowGradient(dtable as tf.Tensor), 'gradient of the rows');
  });

  check('a table with its rows, and the gradient of each', (of) => {
    const dy = tf.randomNormal([vocabulary, 4], 0, 1, 'float32', 6);
    const run = (rows: tf.Tensor) => replaceRows(of.table, { ids, rows });
    expect(run(of.rows).arraySync()).toEqual(of.replaced.arraySync());
    expect(tf.grad(run)(of.rows, dy).arraySync()).toEqual(rowGradient(dy).arraySync());
  });

  check('more rows than a capture takes as one constant', () => {
    const many = Array.from({ length: 5000 }, (_, index) => 9999 - 2 * index);
    const table = tf.zeros([10000, 1]);
    const rows = tf.tensor2d(many.map((id) => [id]));
    const lookups = [0, 1, 8191, 8192, 9999];
    const wanted = tf.tensor1d(lookups, 'int32');
    const found = replaceLookups(gather(table, wanted), wanted, { ids: many, rows, vocabulary: 10000 });
    expect([...found.dataSync()]).toEqual([0, 1, 8191, 0, 9999]);
  });
});
