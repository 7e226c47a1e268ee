import { matMul, normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { expect, test } from 'vitest';
import { tripletDistance } from './tripletDistance.ts';

/** The definition in plain operations. */
function defined(a: tf.Tensor, b: tf.Tensor, live: tf.Tensor): tf.Tensor {
  const pairs = tf.outerProduct(live as tf.Tensor1D, live as tf.Tensor1D);
  const distances = [matMul(a, a, true, false), matMul(b, b, false, true)].map((gram) =>
    tf.sum(tf.square(tf.mul(tf.sub(gram, tf.eye(live.size)), pairs))),
  );
  return tf.addN(distances);
}

const error = (found: tf.Tensor, wanted: tf.Tensor) =>
  tf.div(tf.norm(tf.sub(found, wanted)), tf.norm(wanted)).dataSync()[0] as number;

// Few products take the pass over values on wasm, many the kernels.
test.each([
  ['cpu', 6, 3],
  ['wasm', 6, 3],
  ['wasm', 300, 16],
])(
  'on %s, value and gradients for factors of length %i and rank %i follow the definition',
  async (backend, length, rank) => {
    await tf.setBackend(backend);
    tf.tidy(() => {
      const a = tf.tensor2d(normals(5, length * rank), [length, rank]);
      const b = tf.tensor2d(normals(6, (length - 1) * rank), [rank, length - 1]);
      const live = tf.tensor1d(Array.from({ length: rank }, (_, i) => (i === 1 ? 0 : 1)));
      const gradients = (penalty: typeof defined) =>
        tf.valueAndGrads((x: tf.Tensor, y: tf.Tensor) => tf.mul(penalty(x, y, live), 3))([a, b]);
      const [found, wanted] = [gradients(tripletDistance), gradients(defined)];
      expect(error(found.value, wanted.value)).toBeLessThan(1e-5);
      for (const factor of [0, 1]) {
        expect(error(found.grads[factor] as tf.Tensor, wanted.grads[factor] as tf.Tensor)).toBeLessThan(1e-5);
      }
    });
  },
);
