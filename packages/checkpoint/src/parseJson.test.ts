import { expect, test } from 'vitest';
import { parseJson } from './parseJson.ts';

test('an object, whatever its keys', () => {
  const value = parseJson('the file', new TextEncoder().encode(' {"a":[1,{"b":null}],"é":"😀"} '));
  expect(value).toEqual({ a: [1, { b: null }], é: '😀' });
});

test.each([
  ['null', 'null'],
  ['"x"', 'a string'],
  ['7', 'a number'],
  ['true', 'a boolean'],
  ['[{}]', 'an array'],
])('%s is no object', (text, kind) => {
  expect(() => parseJson('the file', new TextEncoder().encode(text))).toThrow(
    `the file is ${kind}, and a JSON object is expected; the file is damaged or is another file, fetch or write it again.`,
  );
});

test('a byte order mark is not JSON, as in Python', () => {
  expect(() => parseJson('the file', Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d))).toThrow(/^the file is not JSON \(/);
});
