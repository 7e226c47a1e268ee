import fc from 'fast-check';
import { expect, it } from 'vitest';
import { editDistance, nearestPaths, nearestRule } from './nearestNames.ts';

it('counts insertions, deletions and replacements', () => {
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('qeury', 'query')).toBe(2);
});

it('is a metric', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
  fc.assert(
    fc.property(word, word, word, (left, middle, right) => {
      expect(editDistance(left, right)).toBe(editDistance(right, left));
      expect(editDistance(left, right) === 0).toBe(left === right);
      expect(editDistance(left, right)).toBeLessThanOrEqual(editDistance(left, middle) + editDistance(middle, right));
    }),
  );
});

it('compares the end of a path and names one of those that differ in numbers', () => {
  const paths = ['h.0.query', 'h.1.query', 'h.0.quer', 'h.0.dense', 'h.0.key'];
  expect(nearestPaths('qury', paths)).toEqual(['h.0.query', 'h.0.quer']);
  expect(nearestPaths('query', ['h.1.query', 'h.0.query'])).toEqual(['h.0.query']);
  expect(nearestPaths('query', [])).toEqual([]);
  expect(nearestRule('h.0.dense', ['query', 'dens', 'desk'])).toBe('dens');
  expect(nearestRule('h.0.dense', [])).toBeUndefined();
});
