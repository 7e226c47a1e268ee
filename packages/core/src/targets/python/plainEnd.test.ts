import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compilePattern } from './compilePattern.ts';
import { plainEnd } from './plainEnd.ts';

it('answers as the engine does, or not at all', () => {
  const piece = fc.constantFrom('q', 'h', '0', '.', '\\.', '\\d', '[a-q]', '^', '$', '(q)', '*', '|', '');
  const pattern = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
  const path = fc
    .array(fc.constantFrom('q', 'h', '0', '.', 'é', '\n'), { maxLength: 6 })
    .map((letters) => letters.join(''));
  const answered = { yes: 0, no: 0 };
  fc.assert(
    fc.property(pattern, path, (key, text) => {
      const quick = plainEnd(key)?.(text);
      if (quick === undefined) return;
      answered[quick ? 'yes' : 'no'] += 1;
      expect(compilePattern(key, { before: '(.*\\.)?(', after: ')$', call: 'match' }).test(text)).toBe(quick);
    }),
    { numRuns: 5000 },
  );
  expect(answered.yes).toBeGreaterThan(50);
  expect(answered.no).toBeGreaterThan(500);
});

it('leaves to the engine what a frame changes, and what is no expression', () => {
  expect(['(?i)q', 'a)|(b', 'q**', 'q+', 'a|b', '$q', '[a'].map(plainEnd)).toEqual(Array(7).fill(undefined));
  expect(plainEnd('q')?.('h.\u00e9.q')).toBeUndefined();
});
