import fc from 'fast-check';
import { expect, it } from 'vitest';
import { patternResolver, type TargetPattern } from './patternResolver.ts';

const numberAt = (pattern: TargetPattern, path: string, fallback: number) => patternResolver(pattern)(path) ?? fallback;

it('gives the value of the key that matches the end of the path, or the fallback', () => {
  expect(numberAt({ query: 4 }, 'h.0.query', 8)).toBe(4);
  expect(numberAt({ query: 4 }, 'h.0.my_query', 8)).toBe(8);
  expect(numberAt({ '^query': 4 }, 'h.0.query', 8)).toBe(8);
  expect(numberAt({ '^h.\\d+.query': 4 }, 'h.0.query', 8)).toBe(4);
  expect(numberAt({}, 'h.0.query', 8)).toBe(8);
});

it('accepts several keys that agree', () => {
  expect(numberAt({ query: 4, '0.query': 4 }, 'h.0.query', 8)).toBe(4);
});

it('refuses keys that disagree, in whichever order they are written', () => {
  const message =
    'target "net.0.lin0" is matched by keys with different values, "0.lin0" (8), "lin0" (4); files keep keys sorted, so which comes first would change on reload; anchor a key with "^" or give it a longer path so that one matches.';
  expect(() => numberAt({ lin0: 4, '0.lin0': 8 }, 'net.0.lin0', 2)).toThrow(message);
  expect(() => numberAt({ '0.lin0': 8, lin0: 4 }, 'net.0.lin0', 2)).toThrow(message);
  expect(numberAt({ '0.lin0': 8, lin0: 4 }, 'net.1.lin0', 2)).toBe(4);
});

it('lists ten of many keys that disagree', () => {
  const keys = Array.from({ length: 12 }, (_, count) => [`${'.'.repeat(count)}.*q`, count + 1] as const);
  expect(() => numberAt(Object.fromEntries(keys), 'h.0.very.deep.query.q', 2)).toThrow(
    /"\.\.\*q" \(2\), .*"\.{10}\*q" \(10\) and 2 more; files keep/,
  );
});

it('compiles the keys once for many paths', () => {
  const rankOf = patternResolver({ query: 4, '^value': 2 });
  expect(['h.0.query', 'h.0.value', 'value'].map(rankOf)).toEqual([4, undefined, 2]);
});

it('refuses keys that together take too many steps on one path', () => {
  const keys = Array.from({ length: 400 }, (_, index) => [`(.*)(.*)(.*)${index}`, 2]);
  expect(() => numberAt(Object.fromEntries(keys), `h.${'a'.repeat(60)}`, 2)).toThrow(
    /^regular expression "\(\.\*\)\(\.\*\)\(\.\*\)\d+": finding whether it matches "h\.a+" takes more than 100000 steps/,
  );
});

it('refuses a key that is no regular expression', () => {
  expect(() => numberAt({ 'q**': 4 }, 'q', 2)).toThrow(
    'regular expression "q**" at position 2: two repeats follow each other; put the first one in brackets.',
  );
});

it('never depends on the order of keys', () => {
  const key = fc.constantFrom('q', 'a.q', '^q', '.*q', 'a', 'b.a', '[ab]');
  const path = fc.constantFrom('q', 'a.q', 'b.q', 'b.a', 'a', 'c');
  const outcome = (entries: readonly (readonly [string, number])[], at: string) => {
    try {
      return numberAt(Object.fromEntries(entries), at, -1);
    } catch (error) {
      return String(error);
    }
  };
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(key, fc.nat(2)), { selector: ([name]) => name }), path, (entries, at) => {
      expect(outcome([...entries].reverse(), at)).toBe(outcome(entries, at));
    }),
  );
});
