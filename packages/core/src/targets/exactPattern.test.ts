import { expect, it } from 'vitest';
import { exactPattern } from './exactPattern.ts';
import { patternResolver } from './patternResolver.ts';

it('gives every path its number, and no other path that of its neighbour', () => {
  const byPath = { 'a.b': 4, 'c.a.b': 8, axb: 8, 'a.(b)': 2 };
  const { usual, pattern } = exactPattern(byPath);
  expect(usual).toBe(8);
  expect(pattern).toEqual({ '^a\\.b': 4, '^a\\.\\(b\\)': 2 });
  const numberAt = patternResolver(pattern);
  for (const [path, value] of Object.entries(byPath)) expect(numberAt(path) ?? usual).toBe(value);
});

it('takes the larger of two numbers that come equally often, and 1 where there are none', () => {
  expect(exactPattern({ a: 2, b: 3 })).toEqual({ usual: 3, pattern: { '^a': 2 } });
  expect(exactPattern({})).toEqual({ usual: 1, pattern: {} });
});
