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

it('keeps a key that means something to JavaScript', () => {
  const value = JSON.parse('{"__proto__": 1, "constructor": -0}');
  const back = attachTensors(JSON.parse(JSON.stringify(detachTensors(value).json)), () => array([]));
  expect(JSON.stringify(back)).toBe('{"__proto__":1,"constructor":0}');
});
