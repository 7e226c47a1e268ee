import { expect, test } from 'vitest';
import { matrixOf, multiply, orthonormal, squaredNorm, transpose } from './matrix.ts';
import { evenlySpaced, plantedMatrix } from './plantedMatrix.ts';
import { floorOfRank, singularValues } from './singularValues.ts';

test('orthonormal columns are', () => {
  const basis = orthonormal(3, 9, 5);
  const gram = multiply(transpose(basis), basis);
  for (const [i, value] of gram.values.entries()) expect(value).toBeCloseTo(i % 6 === 0 ? 1 : 0, 12);
});

test('a planted matrix has the singular values it was given, whichever side is longer', () => {
  const values = [8, 5, 2.5, 0.1];
  for (const [rows, columns] of [
    [12, 7],
    [7, 12],
  ] as const) {
    const found = singularValues(plantedMatrix(1, { rows, columns, singularValues: values }));
    expect(found).toHaveLength(7);
    for (const [index, value] of values.entries()) expect(found[index]).toBeCloseTo(value, 10);
    expect(found.slice(4)).toEqual([0, 0, 0]);
  }
});

test('singular values of a matrix of ones and of one that is diagonal', () => {
  expect(singularValues(matrixOf(3, 2, () => 1))[0]).toBeCloseTo(Math.sqrt(6), 12);
  const found = singularValues(matrixOf(2, 2, (row, column) => (row === column ? row - 3 : 0)));
  expect(found[0]).toBeCloseTo(3, 12);
  expect(found[1]).toBeCloseTo(2, 12);
});

test('the floors of methods B1', () => {
  const values = singularValues(plantedMatrix(2, { rows: 32, columns: 24, singularValues: evenlySpaced(8, 1, 8) }));
  expect([2, 4, 6, 7, 8].map((rank) => floorOfRank(values, rank).toFixed(4))).toEqual([
    '0.4461',
    '0.1471',
    '0.0245',
    '0.0049',
    '0.0000',
  ]);
  expect(floorOfRank(values, 8)).toBe(0);
  expect(squaredNorm(values)).toBeCloseTo(204, 9);
});
