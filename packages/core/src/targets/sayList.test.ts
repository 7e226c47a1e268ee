import { expect, it } from 'vitest';
import { sayCount, sayLayers, sayNames, sayNumbers, saySelection } from './sayList.ts';

it('draws runs of numbers together', () => {
  expect(sayNumbers([7, 1, 0, 3, 2, 3])).toBe('0 to 3, 7');
  expect(sayNumbers([4, 5])).toBe('4, 5');
  expect(sayLayers([2, 2])).toBe('layer 2');
  expect(sayLayers([2, 9])).toBe('layers 2, 9');
});

it('quotes names, counts nouns and writes a selection as given', () => {
  expect(sayNames(['a', 'b'])).toBe('"a", "b"');
  expect(sayCount(1, 'target')).toBe('1 target');
  expect(sayCount(0, 'target')).toBe('0 targets');
  expect(saySelection(['a'])).toBe('["a"]');
  expect(saySelection('.*a')).toBe('".*a"');
  expect(saySelection(/a/i)).toBe('/a/i');
});
