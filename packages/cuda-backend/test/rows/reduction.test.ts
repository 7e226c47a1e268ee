import type { DType, HostTensor, Node } from '@peft/graph';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Storage } from '../../src/plan/storage.ts';
import { simulated } from '../simulator/simulated.ts';
import { anyTensor } from './anyTensor.ts';
import { expectRow } from './expectRow.ts';
import { lowerRow, runRow } from './runRow.ts';

type Shape = readonly number[];
type Reduced = 'All' | 'Any' | 'Max' | 'Mean' | 'Min' | 'Prod' | 'Sum';

interface Drawn {
  readonly shape: Shape;
  readonly axes: readonly number[];
  readonly isInteger: boolean;
  readonly seed: number;
  readonly storages: readonly [Storage, Storage];
}

const storage = fc.constantFrom<Storage>('f32', 'bf16');
const sizeOf = (shape: Shape) => shape.reduce((size, each) => size * each, 1);
const length = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(8, 31, 64, 100, 257, 1030));

const drawn: fc.Arbitrary<Drawn> = fc
  .array(length, { minLength: 1, maxLength: 5 })
  .filter((shape) => sizeOf(shape) <= 20_000)
  .chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      axes: fc.subarray([...shape.keys()], { minLength: 1 }),
      isInteger: fc.boolean(),
      seed: fc.nat(1e6),
      storages: fc.tuple(storage, storage),
    }),
  );

/** Sums of integers pass 2^24, beyond which float32 has gaps, and stay below 2^31; products stay near 1. */
function numbersFor(op: Reduced, { shape, axes, isInteger, seed }: Drawn): HostTensor {
  const count = sizeOf(axes.map((axis) => shape[axis] as number));
  if (op === 'All') return { ...anyTensor(shape, { dtype: 'bool', seed, least: -1 / count }), dtype: 'bool' };
  if (op === 'Any') return { ...anyTensor(shape, { dtype: 'bool', seed, most: 1 / count }), dtype: 'bool' };
  if (op === 'Prod') {
    if (isInteger) return anyTensor(shape, { dtype: 'int32', seed, least: -1, most: 1 + 1 / count });
    return anyTensor(shape, { dtype: 'float32', seed, least: 1 - 1 / count, most: 1 + 1 / count });
  }
  if (isInteger && op !== 'Mean')
    return anyTensor(shape, { dtype: 'int32', seed, least: -1e8 / count, most: 2e9 / count });
  return anyTensor(shape, { dtype: 'float32', seed, least: -1, most: 3 });
}

function expectReduced(op: Reduced, each: Drawn): void {
  const x = numbersFor(op, each);
  const { axes, storages, seed } = each;
  const keepDims = seed % 2 === 0;
  const shape = each.shape.flatMap((size, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [size]));
  const attributes = op === 'Max' ? { reductionIndices: axes, keepDims } : { axis: axes, keepDims };
  const node = { op, inputs: [x], attributes, outputs: [{ shape, dtype: x.dtype }] } as unknown as Node;
  // Each factor of a product may be off by half a unit in the last place.
  const tolerance = op === 'Prod' && !storages.includes('bf16') ? { tolerance: 1e-4 } : {};
  expectRow(node, [x], { inputs: storages[0], outputs: storages[1], ...tolerance });
}

function placeNode(op: 'ArgMax' | 'ArgMin', x: HostTensor, axis: number): Node {
  const outputs = [{ shape: x.shape.toSpliced(axis, 1), dtype: 'int32' as const }];
  return { op, inputs: [x], attributes: { axis }, outputs } as unknown as Node;
}

simulated('reductions', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it.each(['All', 'Any', 'Max', 'Mean', 'Min', 'Prod', 'Sum'] as const)('%s over any axes', (op) => {
    fc.assert(
      fc.property(drawn, (each) => expectReduced(op, each)),
      { numRuns: 12 },
    );
  });

  it.each<readonly [string, Shape, readonly number[]]>([
    ['few long rows, in parts', [3, 20_001], [1]],
    ['a whole tensor', [100, 401], [0, 1]],
    ['tall columns, in parts', [6000, 12], [0]],
    ['tall columns that are no multiple of four', [20_000, 3], [0]],
    ['every other axis', [12, 7, 20, 9, 3], [0, 2, 4]],
  ])('%s', (_, shape, axes) => {
    for (const [from, isInteger] of [
      ['f32', false],
      ['bf16', false],
      ['f32', true],
    ] as const) {
      for (const op of ['Sum', 'Max'] as const) {
        expectReduced(op, { shape, axes, isInteger, seed: 3, storages: [from, 'f32'] });
      }
    }
  });

  it.each(['ArgMax', 'ArgMin'] as const)('%s: the first of equal numbers', (op) => {
    const cases = drawn.map((each) => ({ ...each, axis: each.seed % each.shape.length }));
    fc.assert(
      fc.property(cases, ({ shape, axis, isInteger, seed, storages }) => {
        const dtype: DType = isInteger ? 'int32' : 'float32';
        const few = anyTensor(shape, { dtype: 'int32', seed, least: -3, most: 4 });
        const x = { ...few, dtype };
        expectRow(placeNode(op, x, axis), [x], { inputs: storages[0] });
      }),
      { numRuns: 12 },
    );
  });

  it.each(['ArgMax', 'ArgMin'] as const)('%s: infinities, zeros of both signs and NaN as tfjs has them', (op) => {
    const number = fc.constantFrom(Number.NaN, -0, 0, 1, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    const rows = fc
      .integer({ min: 1, max: 300 })
      .chain((width) => fc.array(number, { minLength: width, maxLength: width }));
    fc.assert(
      fc.property(rows, (data) => {
        const x: HostTensor = { shape: [data.length], dtype: 'float32', data };
        const wanted = tf.tidy(() => (op === 'ArgMax' ? tf.argMax(data) : tf.argMin(data)).dataSync()[0]);
        expect(runRow(placeNode(op, x, 0), [x])).toEqual([[wanted]]);
      }),
      { numRuns: 20 },
    );
  });

  it.each(['Max', 'Min'] as const)('%s: one NaN among the numbers is the result', (op) => {
    for (const [shape, axes] of [
      [[2, 500], [1]],
      [[500, 2], [0]],
    ] as const) {
      const data = new Array<number>(1000).fill(1).with(700, Number.NaN).with(701, 5).with(699, -5);
      const x: HostTensor = { shape, dtype: 'float32', data };
      const attributes = op === 'Max' ? { reductionIndices: axes, keepDims: false } : { axis: axes, keepDims: false };
      const node = { op, inputs: [x], attributes, outputs: [{ shape: [2], dtype: 'float32' }] } as unknown as Node;
      expectRow(node, [x]);
      expect(runRow(node, [x])[0]?.filter(Number.isNaN).length).toBe(1);
    }
  });

  it('integers wrap as on every processor', () => {
    const x: HostTensor = { shape: [3], dtype: 'int32', data: [2 ** 31 - 1, 1, 5] };
    const node = (op: 'Prod' | 'Sum') =>
      ({
        op,
        inputs: [x],
        attributes: { axis: [0], keepDims: false },
        outputs: [{ shape: [], dtype: 'int32' }],
      }) as Node;
    expect(runRow(node('Sum'), [x])).toEqual([[-(2 ** 31) + 5]]);
    expect(runRow(node('Prod'), [x])).toEqual([[Math.imul(2 ** 31 - 1, 5)]]);
  });
});

describe('launches', () => {
  const launches = (shape: Shape, axes: readonly number[]) => {
    const output = { shape: shape.filter((_, axis) => !axes.includes(axis)), dtype: 'float32' as const };
    const x = { shape, dtype: 'float32' as const };
    const node = { op: 'Sum', inputs: [x], attributes: { axis: axes, keepDims: false }, outputs: [output] } as Node;
    return lowerRow(node).commands.map((command) =>
      command.kind === 'kernel' ? `${command.kernel.name} ${command.blocks}` : command.kind,
    );
  };

  // The simulated device has four multiprocessors.
  it.each<readonly [Shape, readonly number[], readonly string[]]>([
    [[4096, 16], [1], ['reduceRows 16']],
    [[4096, 768], [1], ['reduceRows 512']],
    [[64, 50_000], [1], ['reduceRows 64']],
    [[1_000_000], [0], ['reduceRows 8', 'reduceRows 1']],
    [[4096, 768], [0], ['reduceColumns 12', 'reduceColumns 1']],
    [[8, 128, 768], [1], ['reduceColumns 48']],
    [
      [8, 128, 768],
      [0, 1],
      ['reduceColumns 12', 'reduceColumns 1'],
    ],
  ])('of a sum of [%s] over %s', (shape, axes, wanted) => {
    expect(launches(shape, axes)).toEqual(wanted);
  });
});
