import type { HostArray } from '@peft/core';
import { expect, it } from 'vitest';
import { attachTensors, detachTensors } from './detachTensors.ts';

const array = (values: readonly number[]): HostArray => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});

it('gives back nested records with their arrays and numbers', () => {
  const value = {
    step: 3,
    text: 'x',
    best: undefined,
    none: null,
    list: [{ tensors: { 'a/b': array([1, 2]) } }, -0, Number.NaN, Number.POSITIVE_INFINITY, 5e-324],
  };
  const { json, tensors } = detachTensors(value);
  expect([...tensors.keys()]).toEqual(['list/0/tensors/a/b']);
  const written = JSON.parse(JSON.stringify(json));
  const { best, ...whole } = value;
  expect(attachTensors(written, (name) => tensors.get(name) as HostArray)).toStrictEqual(whole);
});

it('keeps two arrays apart whose ways read the same', () => {
  const value = { a: { 'b/c': array([1]) }, 'a/b': { c: array([2]) }, 'a/b/c': array([3]) };
  const { json, tensors } = detachTensors(value);
  expect([...tensors.keys()]).toEqual(['a/b/c', "a/b/c'", "a/b/c''"]);
  expect(attachTensors(json, (name) => tensors.get(name) as HostArray)).toStrictEqual(value);
});

it('keeps records with keys that it uses itself', () => {
  const value = { a: { $tensor: 'a' }, $number: -0, $entries: [1, { $entries: [['x', 2]] }], b: array([3]) };
  const { json, tensors } = detachTensors(value);
  const written = JSON.parse(JSON.stringify(json));
  expect(attachTensors(written, (name) => tensors.get(name) as HostArray)).toStrictEqual(value);
});

it('refuses a value nested so deep that reading it would overflow the stack', () => {
  const deep = JSON.parse(`${'[{"a":'.repeat(5000)}1${'}]'.repeat(5000)}`);
  expect(() => attachTensors(deep, () => array([]))).toThrow(
    'the state is nested more than 64 levels deep, which no save is; it was changed after it was saved.',
  );
});

it('keeps a key that means something to JavaScript', () => {
  const value = JSON.parse('{"__proto__": 1, "constructor": -0}');
  const back = attachTensors(JSON.parse(JSON.stringify(detachTensors(value).json)), () => array([]));
  expect(JSON.stringify(back)).toBe('{"__proto__":1,"constructor":0}');
});

it('takes no text for what only looks like a reference or a number', () => {
  const odd = JSON.parse('{"a":{"$tensor":{"toString":1}},"b":{"$number":{"valueOf":1}}}');
  const asked: string[] = [];
  const back = attachTensors(odd, (name) => {
    asked.push(name);
    return array([]);
  });
  expect(asked).toEqual(['']);
  expect(back).toMatchObject({ b: { $number: { valueOf: 1 } } });
});
