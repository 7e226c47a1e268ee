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

test('brackets nested deeper than any file of ours are refused before anything walks them', () => {
  const nested = (depth: number) =>
    new TextEncoder().encode(`{"a":${'['.repeat(depth - 1)}"]]]\\"["${']'.repeat(depth - 1)}}`);
  expect(parseJson('the file', nested(100))).toHaveProperty('a');
  expect(() => parseJson('the file', nested(101))).toThrow(
    'the file nests brackets 101 deep, and 100 is the most that is read; the file is damaged or is another file, fetch or write it again.',
  );
  expect(() => parseJson('the file', new TextEncoder().encode('['.repeat(1_000_000)))).toThrow(
    /nests brackets 1000000 deep/,
  );
});

test('of keys given twice ten are named and all are counted', () => {
  const twice = `{"k":[${Array(500).fill('{"a":1,"a":2}').join(',')}]}`;
  expect(() => parseJson('the file', new TextEncoder().encode(twice))).toThrow(
    /^the file gives 500 keys twice, so readers may disagree on its content; write the file again:(\n {2}"k" > "a"){10}\n {2}and 490 more$/,
  );
});
