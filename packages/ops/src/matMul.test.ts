import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { draw, tensorOf } from '../test/draw.ts';
import { expectLike } from '../test/expectLike.ts';
import { onEachBackend } from '../test/onEachBackend.ts';
import { matMul } from './matMul.ts';
import { matMul as reference } from './reference/matMul.ts';

interface Product {
  /** Leading axes and which operands have them. */
  readonly leading: readonly number[];
  readonly has: 'both' | 'a' | 'b';
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function expectProduct({ leading, has, ...shape }: Product): void {
  const { rows, inner, columns, transposeA, transposeB } = shape;
  const ofA = transposeA ? [inner, rows] : [rows, inner];
  const ofB = transposeB ? [columns, inner] : [inner, columns];
  const batch = leading.reduce((size, axis) => size * axis, 1);
  expectLike({
    shapes: { a: has === 'b' ? ofA : [...leading, ...ofA], b: has === 'a' ? ofB : [...leading, ...ofB] },
    output: [...leading, rows, columns],
    run: ({ a, b }) => matMul(a, b, transposeA, transposeB),
    reference: ({ a, b }) => reference(a, b, { batch, ...shape }),
  });
}

const flags = [
  { transposeA: false, transposeB: false },
  { transposeA: true, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: true },
];

onEachBackend((backend) => {
  describe.each(flags)('matMul, transposes $transposeA $transposeB', (flag) => {
    it('multiplies two matrices', () => {
      expectProduct({ leading: [], has: 'both', rows: 3, inner: 5, columns: 4, ...flag });
    });
    it('multiplies the rows of many by one matrix', () => {
      expectProduct({ leading: [2, 3], has: 'a', rows: 2, inner: 5, columns: 4, ...flag });
    });
    it('multiplies one matrix by many', () => {
      expectProduct({ leading: [3], has: 'b', rows: 2, inner: 5, columns: 4, ...flag });
    });
    it('multiplies stacks of small matrices', () => {
      expectProduct({ leading: [2, 2], has: 'both', rows: 3, inner: 5, columns: 4, ...flag });
    });
    it('chooses the cheaper side to transpose without changing the product', () => {
      expectProduct({ leading: [], has: 'both', rows: 9, inner: 8, columns: 2, ...flag });
      expectProduct({ leading: [], has: 'both', rows: 2, inner: 8, columns: 9, ...flag });
      expectProduct({ leading: [], has: 'both', rows: 2, inner: 9, columns: 2, ...flag });
    });
    it('multiplies stacks of matrices large enough to go one by one', () => {
      const a = tensorOf(draw('a', 3 * 2 * 30 * 31), flag.transposeA ? [3, 2, 31, 30] : [3, 2, 30, 31]);
      const b = tensorOf(draw('b', 3 * 2 * 31 * 29), flag.transposeB ? [3, 2, 29, 31] : [3, 2, 31, 29]);
      const weight = tensorOf(draw('dy', 3 * 2 * 30 * 29), [3, 2, 30, 29]);
      const gradients = (multiply: typeof matMul) =>
        tf.grads((x, y) => tf.sum(tf.mul(multiply(x, y, flag.transposeA, flag.transposeB), weight)))([a, b]);
      const ours = gradients(matMul);
      const theirs = gradients((x, y, ...rest) => tf.matMul(x, y, ...rest));
      tf.tidy(() => {
        const results = [
          [matMul(a, b, flag.transposeA, flag.transposeB), tf.matMul(a, b, flag.transposeA, flag.transposeB)],
          [ours[0], theirs[0]],
          [ours[1], theirs[1]],
        ] as [tf.Tensor, tf.Tensor][];
        for (const [actual, expected] of results) {
          expect(actual.shape).toEqual(expected.shape);
          expect(tf.max(tf.abs(tf.sub(actual, expected))).arraySync()).toBeLessThan(2e-5);
        }
      });
      tf.dispose([a, b, weight, ours, theirs]);
    });
  });

  it('agrees with the reference for any sizes, axes of one included', () => {
    fc.assert(
      fc.property(
        fc.record({
          leading: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
          has: fc.constantFrom('both', 'a', 'b'),
          rows: fc.integer({ min: 1, max: 5 }),
          inner: fc.integer({ min: 1, max: 5 }),
          columns: fc.integer({ min: 1, max: 5 }),
          transposeA: fc.boolean(),
          transposeB: fc.boolean(),
        }),
        (product) => expectProduct(product),
      ),
      { numRuns: 40 },
    );
  });

  it('computes no gradient for a frozen operand', async () => {
    const x = tf.ones([4, 3]);
    const weight = tf.ones([3, 2]);
    const products = async (step: () => tf.Tensor | tf.Tensor[]) => {
      const { kernels } = await tf.profile(step as () => tf.Tensor);
      return kernels.filter(({ name }) => name === 'PeftMatMul').length;
    };
    expect(await products(() => matMul(x, weight))).toBe(1);
    expect(await products(() => tf.grad((input) => tf.sum(matMul(input, weight)))(x))).toBe(2);
    expect(await products(() => tf.grad((trained) => tf.sum(matMul(x, trained)))(weight))).toBe(2);
    expect(await products(() => tf.grads((a, b) => tf.sum(matMul(a, b)))([x, weight]))).toBe(3);
  });

  it('meets wasm with plain products only, and puts the smaller side on the right, where it is packed', async () => {
    const [input, narrow] = [tf.ones([64, 48]), tf.ones([64, 2])];
    const transposed = async (step: () => tf.Tensor) => {
      const { kernels } = await tf.profile(step);
      return kernels.filter(({ name }) => name === 'Transpose').map(({ inputShapes }) => inputShapes);
    };
    const onWasm = (shapes: readonly (readonly number[])[]) =>
      backend === 'wasm' ? shapes.map((shape) => [shape]) : [];
    expect(await transposed(() => matMul(input, narrow, true))).toEqual(onWasm([[64, 48]]));
    expect(await transposed(() => matMul(narrow, input, true))).toEqual(
      onWasm([
        [64, 48],
        [48, 2],
      ]),
    );
    expect(await transposed(() => matMul(tf.ones([48, 2]), tf.ones([3, 2]), false, true))).toEqual(onWasm([[3, 2]]));
  });

  it('refuses operands that do not fit', () => {
    const matrix = tf.zeros([2, 3]);
    expect(() => matMul(matrix, tf.zeros([2, 3]))).toThrow(
      'matMul cannot multiply [2,3] and [2,3]: the inner sizes 3 and 2 differ; check the transposes.',
    );
    expect(() => matMul(matrix, tf.zeros([4, 3]), true, true)).toThrow(
      'matMul cannot multiply [2,3] transposed and [4,3] transposed: the inner sizes 2 and 3 differ',
    );
    expect(() => matMul(matrix, tf.zeros([3]))).toThrow(
      'matMul needs at least two axes, got [2,3] and [3]; reshape a vector to one row.',
    );
    expect(() => matMul(tf.zeros([2, 1, 3]), tf.zeros([4, 3, 1]))).toThrow(
      'matMul cannot multiply [2,1,3] and [4,3,1]: the leading axes [2] and [4] differ; expand one operand first.',
    );
    expect(() => matMul(matrix, tf.zeros([3, 2], 'int32'))).toThrow(
      'matMul multiplies float32, not float32 by int32; cast the operands.',
    );
  });
});
