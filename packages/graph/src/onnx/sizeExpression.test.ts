import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fitPower, fitSizes, sizeText } from './sizeExpression.ts';

const points = [
  { batch: 2, sequence: 11 },
  { batch: 3, sequence: 7 },
  { batch: 5, sequence: 13 },
  { batch: 7, sequence: 5 },
];

const fitted = (of: (batch: number, sequence: number) => number) => {
  const found = fitSizes(
    points.map(({ batch, sequence }) => of(batch, sequence)),
    points,
  );
  return found && sizeText(found);
};

it('finds the rule of a size', () => {
  expect(fitted(() => 0)).toBe('0');
  expect(fitted((batch) => batch)).toBe('batch');
  expect(fitted((batch, sequence) => 12 * batch * sequence)).toBe('12*batch*sequence');
  expect(fitted((batch, sequence) => batch * sequence * sequence)).toBe('batch*sequence*sequence');
  expect(fitted((_, sequence) => sequence - 1)).toBe('-1+sequence');
  expect(fitted((batch, sequence) => batch * sequence - batch)).toBe('-1*batch+batch*sequence');
});

it('knows sums of up to two products, and gives up on more', () => {
  const factor = fc.integer({ min: -50, max: 50 });
  fc.assert(
    fc.property(factor, factor, (a, b) => {
      const found = fitSizes(
        points.map(({ batch, sequence }) => a * batch + b * batch * sequence),
        points,
      );
      const value = (found ?? []).reduce(
        (sum, term) =>
          sum +
          term.dimensions.reduce(
            (product, name) => product * { batch: 17, sequence: 29 }[name as 'batch'],
            term.factor,
          ),
        0,
      );
      expect(value).toBe(a * 17 + b * 17 * 29);
    }),
  );
  expect(fitted((batch, sequence) => batch + sequence + 1)).toBeUndefined();
  expect(fitted((batch) => 2 ** batch)).toBeUndefined();
  expect(fitted((_, sequence) => (sequence - 1) / 2)).toBeUndefined();
});

it('finds multiples, inverses and roots among floats', () => {
  const power = (of: (batch: number, sequence: number) => number) =>
    fitPower(
      points.map(({ batch, sequence }) => Math.fround(of(batch, sequence))),
      points,
    );
  expect(power((batch, sequence) => 1 / (batch * sequence))).toEqual({
    factor: 1,
    dimensions: ['batch', 'sequence'],
    power: -1,
  });
  expect(power((_, sequence) => 3 / Math.sqrt(sequence))).toEqual({ factor: 3, dimensions: ['sequence'], power: -0.5 });
  expect(power((batch) => 0.1 * batch)).toEqual({ factor: 0.1, dimensions: ['batch'], power: 1 });
  expect(power((batch) => Math.sin(batch))).toBeUndefined();
});
