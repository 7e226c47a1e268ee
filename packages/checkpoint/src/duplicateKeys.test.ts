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
  expect(duplicateKeys(text)).toEqual(expected);
});

test('JSON.stringify never writes a key twice, however spaced', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat(2), (value, indent) => {
      expect(duplicateKeys(JSON.stringify(value, undefined, indent))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
