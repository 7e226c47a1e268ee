import { expect, test } from 'vitest';
import { chainDescent, fullDescent, oneSidedDescent, quadraticLoss, quadraticTarget } from './quadratic.ts';

const descent = { target: quadraticTarget(4, 1), seed: 4, step: 0.02, links: 3, inner: 5 };

test('the loss weighs the first entry ten times', () => {
  expect(quadraticLoss([1, 0, 0, 0, 0, 0, 0, 0, 2], [0, 0, 0, 0, 0, 0, 0, 0, 0])).toBe(0.5 * 10 + 0.5 * 4);
});

test('full descent shrinks every error by its own factor', () => {
  const { target, step, links, inner } = descent;
  const left = target.map((value, i) => value * (1 - step * (i === 0 ? 10 : 1)) ** (links * inner));
  expect(fullDescent(descent)).toBeCloseTo(
    quadraticLoss(
      left,
      target.map(() => 0),
    ),
    12,
  );
});

test('one step of a fresh pair moves b alone, along the frozen direction', () => {
  const once = { ...descent, links: 1, inner: 1 };
  const before = quadraticLoss(
    descent.target.map(() => 0),
    descent.target,
  );
  expect(chainDescent({ ...once, inner: 0 })).toBe(before);
  expect(chainDescent(once)).toBeLessThan(before);
  expect(oneSidedDescent(once)).toBeLessThan(before);
});
