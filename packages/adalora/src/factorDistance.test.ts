import { matMul, normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { expect, test } from 'vitest';
import { factorDistance } from './factorDistance.ts';

/** The definition in plain operations, for columns. */
const defined = (factor: tf.Tensor, live: tf.Tensor) => {
  const gram = matMul(factor, factor, true, false);
  const pairs = tf.outerProduct(live as tf.Tensor1D, live as tf.Tensor1D);
  return tf.sum(tf.square(tf.mul(tf.sub(gram, tf.eye(live.size)), pairs)));
};

const error = (found: tf.Tensor, wanted: tf.Tensor) =>
  (tf.div(tf.norm(tf.sub(found, wanted)), tf.norm(wanted)).dataSync()[0] as number) || 0;

// Few products take the pass over values on wasm, many the kernels.
test.each([
  ['cpu', 6, 3],
  ['wasm', 6, 3],
  ['wasm', 300, 16],
])(
  'on %s, value and gradient of a [%i, %i] factor follow the definition on either side',
  async (backend, rows, rank) => {
    await tf.setBackend(backend);
    tf.tidy(() => {
      const factor = tf.tensor2d(normals(5, rows * rank), [rows, rank]);
      const live = tf.tensor1d(Array.from({ length: rank }, (_, i) => (i === 1 ? 0 : 1)));
      const [value, slope] = [defined(factor, live), tf.grad((x: tf.Tensor) => defined(x, live))(factor)];
      const columns = tf.valueAndGrad((x: tf.Tensor) => tf.mul(factorDistance(x, live, 'columns'), 3))(factor);
      expect(error(columns.value, tf.mul(value, 3))).toBeLessThan(1e-5);
      expect(error(columns.grad, tf.mul(slope, 3))).toBeLessThan(1e-5);
      const transposed = tf.transpose(factor);
      const byRows = tf.valueAndGrad((x: tf.Tensor) => factorDistance(x, live, 'rows') as tf.Tensor)(transposed);
      expect(error(byRows.value, value)).toBeLessThan(1e-5);
      expect(error(tf.transpose(byRows.grad), slope)).toBeLessThan(1e-5);
    });
  },
);
