import fc from 'fast-check';
import { expect, test } from 'vitest';
import { duplicateKeys } from './duplicateKeys.ts';

test.each<[string, string[][]]>([
  ['{"a":1,"b":{"a":2}}', []],
  ['{"a":"a","b":["a","a"]}', []],
  ['{"a":1,"\\u0061":2}', [['a']]],
  ['{"a\\"":1,"a\\"":2,"\\\\":3,"\\\\":4}', [['a"'], ['\\']]],
  ['{"x":[{"k":1},{"k":1,"k":2}]}', [['x', 'k']]],
  ['[{"a":{"b":1,"b":2},"a":{}}]', [['a', 'b'], ['a']]],
  ['{"a":"{\\"b\\":1,\\"b\\":2}"}', []],
  ['"a"', []],
  ['{"":0,"":0}', [['']]],
])('%s', (text, expected) => {
  expect(duplicateKeys(text)).toEqual({ count: expected.length, paths: expected });
});

test('JSON.stringify never writes a key twice, however spaced', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat(2), (value, indent) => {
      expect(duplicateKeys(JSON.stringify(value, undefined, indent))).toEqual({ count: 0, paths: [] });
    }),
    { numRuns: 300 },
  );
});

test('a hostile file full of them is counted, and its paths are not all kept', () => {
  const { count, paths } = duplicateKeys(`{"k":[${Array(5000).fill('{"a":1,"a":2}').join(',')}]}`);
  expect(count).toBe(5000);
  expect(paths).toEqual(Array(20).fill(['k', 'a']));
});
