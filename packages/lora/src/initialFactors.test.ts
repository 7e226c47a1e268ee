import { type HostArray, layerKindOf, type Target } from '@peft/core';
import { expect, it } from 'vitest';
import { initialFactors } from './initialFactors.ts';
import type { LoraInit } from './loraOptions.ts';

const dense: Target = { path: 'layer', kind: 'dense', shape: [400, 300] };
const embedding: Target = { path: 'table', kind: 'embedding', shape: [300, 400] };
const inits: readonly LoraInit[] = [true, false, 'gaussian', 'orthogonal'];

const drawn = (target: Target, init: LoraInit, { rank = 16, seed = 7 } = {}) =>
  initialFactors(target, { rank, init, seed });
const moments = ({ data }: HostArray) => {
  const values = Float64Array.from(data as Float32Array);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
  const fourth = values.reduce((sum, value) => sum + value ** 4, 0) / values.length;
  return {
    mean,
    deviation: Math.sqrt(square),
    kurtosis: fourth / square ** 2,
    largest: Math.max(...values.map(Math.abs)),
  };
};

function expectUniform(array: HostArray, bound: number): void {
  const { mean, deviation, largest } = moments(array);
  // Four standard errors of 4,800 draws and more.
  expect(Math.abs(mean) / bound).toBeLessThan(0.034);
  expect(Math.abs(deviation / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.03);
  expect(largest).toBeLessThanOrEqual(Math.fround(bound));
  expect(largest).toBeGreaterThan(0.99 * bound);
}

function expectSpread(array: HostArray, expected: number): void {
  const { mean, deviation } = moments(array);
  // Four standard errors of the 2,400 draws behind the smaller orthogonal factor.
  expect(Math.abs(mean) / expected).toBeLessThan(0.082);
  expect(Math.abs(deviation / expected - 1)).toBeLessThan(0.058);
}

function expectNormal(array: HostArray, expected: number): void {
  expectSpread(array, expected);
  expect(Math.abs(moments(array).kurtosis - 3)).toBeLessThan(0.3);
}

const expectZero = ({ data }: HostArray) => expect(moments({ data } as HostArray).largest).toBe(0);

it('true: a dense a is uniform within 1 / sqrt(fan-in) and b zero', () => {
  const { a, b } = drawn(dense, true);
  expectUniform(a, 1 / 20);
  expectZero(b);
});

it('gaussian: a dense a is normal with deviation 1 / rank and b zero', () => {
  const { a, b } = drawn(dense, 'gaussian');
  expectNormal(a, 1 / 16);
  expectZero(b);
});

it('false: both dense factors are uniform, each within 1 / sqrt of its own inputs', () => {
  const { a, b } = drawn(dense, false);
  expectUniform(a, 1 / 20);
  expectUniform(b, 1 / 4);
});

it('orthogonal: both dense factors have the deviation 0.1 / sqrt(2), and their product is zero', () => {
  const { a, b } = drawn(dense, 'orthogonal');
  expectSpread(a, 0.1 / Math.SQRT2);
  expectSpread(b, 0.1 / Math.SQRT2);
  const [left, right] = [a.data, b.data] as [Float32Array, Float32Array];
  let largest = 0;
  for (let row = 0; row < 400; row++) {
    for (let column = 0; column < 300; column++) {
      let sum = 0;
      for (let inner = 0; inner < 16; inner++)
        sum += (left[row * 16 + inner] as number) * (right[inner * 300 + column] as number);
      largest = Math.max(largest, Math.abs(sum));
    }
  }
  expect(largest).toBeLessThan(1e-8);
});

it.each([true, 'gaussian', 'orthogonal'] as const)('%s: of an embedding, a is zero and b standard normal', (init) => {
  const { a, b } = drawn(embedding, init);
  expectZero(a);
  expectNormal(b, 1);
});

it('false: of an embedding, both factors are standard normal', () => {
  const { a, b } = drawn(embedding, false);
  expectNormal(a, 1);
  expectNormal(b, 1);
});

it.each(inits)('%s: shapes fit the weight, values depend on the seed alone and are not shared', (init) => {
  for (const target of [dense, embedding]) {
    const { a, b } = drawn(target, init, { rank: 6 });
    const shapes = layerKindOf(target).factorShapes(target, 6);
    expect({ a: a.shape, b: b.shape }).toEqual(shapes);
    expect(drawn(target, init, { rank: 6 })).toEqual({ a, b });
    const other = drawn(target, init, { rank: 6, seed: 8 });
    for (const factor of ['a', 'b'] as const) {
      const isZero = moments({ a, b }[factor]).largest === 0;
      expect(moments(other[factor]).largest === 0).toBe(isZero);
      if (!isZero) expect(other[factor].data).not.toEqual({ a, b }[factor].data);
    }
    expect([...a.data.slice(0, 12)]).not.toEqual([...b.data.slice(0, 12)]);
  }
});
