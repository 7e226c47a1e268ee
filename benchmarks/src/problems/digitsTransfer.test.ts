import { expect, test } from 'vitest';
import { divide, holdOut, linearByEpoch } from './digitsTransfer.ts';

test('digits are divided 70 : 30 without overlap, and held-out images are training images', () => {
  const { train, test: tested } = divide(5, 1);
  expect([train.length, tested.length]).toEqual([627, 269]);
  expect(new Set([...train, ...tested].map(({ digit }) => digit))).toEqual(new Set([5, 6, 7, 8, 9]));
  const keys = (rows: typeof train) => rows.map(({ ink, digit }) => `${ink.join()} ${digit}`);
  const seen = new Set(keys(train));
  const held = holdOut({ train, test: tested });
  expect(held.train.length + held.test.length).toBe(627);
  expect(keys(held.test).every((key) => seen.has(key))).toBe(true);
  expect(keys(divide(5, 1).train)).toEqual(keys(train));
  expect(keys(divide(5, 2).train)).not.toEqual(keys(train));
});

test('the rate falls by epoch and never within one', () => {
  const rate = linearByEpoch(0.1, 20);
  expect([0, 19, 20, 119].map((step) => rate(step, 120))).toEqual([
    0.1,
    0.1,
    0.1 * (1 - 20 / 120),
    0.1 * (1 - 100 / 120),
  ]);
});
