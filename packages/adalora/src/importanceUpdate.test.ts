import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { expect, test } from 'vitest';
import { importanceUpdate } from './importanceUpdate.ts';

const close = (found: ArrayLike<number>, wanted: readonly number[]) =>
  Math.max(...wanted.map((value, i) => Math.abs(value - (found[i] as number)))) < 1e-6 * Math.max(...wanted);

// Small leaves take the pass over values, large ones the kernels.
test.each([
  ['cpu', 40],
  ['cpu', 5000],
  ['wasm', 40],
  ['wasm', 5000],
])('on %s, %i values follow the definition', async (backend, count) => {
  await tf.setBackend(backend);
  const draw = (seed: number) => Array.from(normals(seed, count));
  const [param, grad] = [draw(1), draw(2)];
  const [sensitivity, uncertainty] = [draw(3).map(Math.abs), draw(4).map(Math.abs)];
  const mean = sensitivity.map((old, i) => {
    const importance = Math.abs((param[i] as number) * (grad[i] as number));
    return old + 0.25 * (importance - old);
  });
  const spread = uncertainty.map((old, i) => {
    const importance = Math.abs((param[i] as number) * (grad[i] as number));
    return old + 0.5 * (Math.abs(importance - (mean[i] as number)) - old);
  });
  tf.tidy(() => {
    const leaf = (values: readonly number[]) => tf.tensor2d([...values], [count / 5, 5]);
    const found = importanceUpdate({
      param: leaf(param),
      grad: leaf(grad),
      sensitivity: leaf(sensitivity),
      uncertainty: leaf(uncertainty),
      sensitivityRate: tf.scalar(0.25),
      uncertaintyRate: tf.scalar(0.5),
    });
    expect(found.sensitivity.shape).toEqual([count / 5, 5]);
    expect(close(found.sensitivity.dataSync(), mean)).toBe(true);
    expect(close(found.uncertainty.dataSync(), spread)).toBe(true);
  });
});
