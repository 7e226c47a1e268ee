import { capture, deadCode, type Graph, runPasses } from '@peft/graph';
import { linearCrossEntropy, matMul } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { flopsOf, productsOf, totalFlops } from './productsOf.ts';
import { fractionsOf, rooflineOf } from './roofline.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const type = (...shape: number[]) => ({ shape, dtype: 'float32' });

/** A frozen layer with a LoRA pair, its loss and the pair's gradients. */
function adapted(): Graph {
  const inputs = { x: type(6, 4), weight: type(4, 3), a: type(4, 2), b: type(2, 3) };
  return capture(
    ({ x, weight, a, b }) => {
      const loss = (...[left, right]: tf.Tensor[]) => {
        const delta = matMul(matMul(x, left as tf.Tensor), right as tf.Tensor);
        return tf.sum(tf.square(tf.add(matMul(x, weight), delta))) as tf.Scalar;
      };
      const [gradientA, gradientB] = tf.grads(loss)([a, b]) as [tf.Tensor, tf.Tensor];
      return { gradientA, gradientB };
    },
    { inputs },
  );
}

test('every product of a captured step is counted, forward and backward', () => {
  const products = productsOf(runPasses(adapted(), { passes: [deadCode] }));
  // Forward x.W, x.a, (x.a).b; backward dy.b', x'.(dy.b'), (x.a)'.dy; nothing for x or W.
  const forward = 6 * 4 * 3 + 6 * 4 * 2 + 6 * 2 * 3;
  const backward = 6 * 3 * 2 + 4 * 6 * 2 + 2 * 6 * 3;
  expect(totalFlops(products)).toBe(2 * (forward + backward));
  expect(products.reduce((sum, { count }) => sum + count, 0)).toBe(6);
  expect(products[0]).toEqual({ batch: 1, m: 6, k: 4, n: 3, transposeA: false, transposeB: false, count: 1 });
});

test('a batched product counts every matrix, equal products count together', () => {
  const graph = capture(({ x, y }) => ({ first: tf.matMul(x, y, false, true), second: tf.matMul(y, x, false, true) }), {
    inputs: { x: type(2, 3, 5, 4), y: type(2, 3, 5, 4) },
  });
  const [product, ...others] = productsOf(graph);
  expect(product).toEqual({ batch: 6, m: 5, k: 4, n: 5, transposeA: false, transposeB: true, count: 2 });
  expect(others).toEqual([]);
  expect(product && flopsOf(product)).toBe(2 * 6 * 5 * 4 * 5);
});

test('a head with its loss counts its logits, and their gradient where one is taken', () => {
  const inputs = { hidden: type(6, 4), weight: type(9, 4), labels: { shape: [6], dtype: 'int32' } };
  const graph = capture(
    ({ hidden, weight, labels }) => {
      const loss = (x: tf.Tensor) => linearCrossEntropy(x, weight, labels as tf.Tensor1D, { transposeWeight: true });
      return { gradient: tf.grad(loss)(hidden) };
    },
    { inputs },
  );
  expect(productsOf(graph)).toEqual([
    { batch: 1, m: 6, k: 4, n: 9, transposeA: false, transposeB: true, count: 1 },
    { batch: 1, m: 6, k: 9, n: 4, transposeA: false, transposeB: false, count: 1 },
  ]);
});

test('attention counts the products of its heads, also of the backward pass', () => {
  const shaped = (...shape: number[]) => ({ shape });
  const [query, key, value] = [shaped(2, 3, 5, 4), shaped(2, 3, 7, 4), shaped(2, 3, 7, 6)];
  const nodes = [
    { op: 'PeftAttention', inputs: [query, key, value], outputs: [], attributes: {} },
    { op: 'PeftAttentionGrad', inputs: [value, shaped(2, 3, 5, 7), shaped(2, 3, 5, 6)], outputs: [], attributes: {} },
  ];
  expect(productsOf({ nodes: nodes as unknown as Graph['nodes'] })).toEqual([
    { batch: 6, m: 5, k: 7, n: 6, transposeA: false, transposeB: false, count: 1 },
    { batch: 6, m: 5, k: 6, n: 7, transposeA: false, transposeB: true, count: 1 },
    { batch: 6, m: 5, k: 4, n: 7, transposeA: false, transposeB: true, count: 1 },
  ]);
});

test('an operation that sounds like a product and is not known is refused', () => {
  const node = { op: 'PeftAttentionOfTomorrow', inputs: [], outputs: [], attributes: {} };
  expect(() => productsOf({ nodes: [node as unknown as Graph['nodes'][number]] })).toThrow(
    'the graph has an operation PeftAttentionOfTomorrow, whose matrix products are not counted; add it to productsOf.',
  );
});

test('the roofline is every product at its own best rate', () => {
  const product = { batch: 1, m: 100, k: 100, n: 100, transposeA: false, transposeB: false };
  const roofline = rooflineOf([
    { ...product, count: 3, bestMs: 2 },
    { ...product, n: 50, count: 1, bestMs: 4 },
  ]);
  expect(roofline.flops).toBe(7e6);
  expect(roofline.ms).toBe(10);
  expect(roofline.gflopsPerSecond).toBeCloseTo(0.7, 12);
  expect(roofline.fastestGflopsPerSecond).toBeCloseTo(1, 12);
  expect(fractionsOf(roofline, 20)).toEqual({ rooflineFraction: 0.5, fastestRateFraction: 0.35 });
});
