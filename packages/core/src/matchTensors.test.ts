import { expect, it } from 'vitest';
import { hostArray } from './hostArray.ts';
import { matchTensors } from './matchTensors.ts';

const array = (...shape: number[]) =>
  hostArray(new Float32Array(shape.reduce((size, length) => size * length, 1)), shape);

it('gives every tensor by its path where all fit, a zero-sized one missing', () => {
  const tensors = { query: { a: array(3, 1), b: array(1, 2) } };
  const shapes = { query: { a: [3, 1], b: [1, 2] }, value: { a: [3, 0] } };
  expect(matchTensors(tensors, shapes)).toEqual({
    found: { 'query/a': tensors.query.a, 'query/b': tensors.query.b },
    expected: 3,
    problems: [],
  });
});

it('lists what is missing, of another shape and left over', () => {
  const tensors = { query: { a: array(3, 2), c: array(1) }, key: { a: array(1) } };
  expect(matchTensors(tensors, { query: { a: [3, 1], b: [1, 2] } }).problems).toEqual([
    'query/a is [3,2]; it should be [3,1]',
    'query/b is missing; it should be [1,2]',
    'query/c belongs to nothing',
    'key/a belongs to nothing',
  ]);
});
