import type { DType, HostTensor, Node } from '@peft/graph';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Storage } from '../../src/plan/storage.ts';
import { simulated } from '../simulator/simulated.ts';
import { anyTensor } from './anyTensor.ts';
import { expectRow } from './expectRow.ts';
import { runRow } from './runRow.ts';

const storage = fc.constantFrom<Storage>('f32', 'bf16');
const seed = fc.nat(1e6);

const topNode = (x: HostTensor, k: number): Node => {
  const shape = x.shape.with(-1, k);
  const outputs = [
    { shape, dtype: x.dtype },
    { shape, dtype: 'int32' as const },
  ];
  return { op: 'TopK', inputs: [x], attributes: { k, sorted: true }, outputs } as unknown as Node;
};

simulated('TopK', () => {
  it('of rows with many equal numbers: the first of them first', () => {
    const drawn = fc.record({
      rows: fc.integer({ min: 1, max: 3 }),
      width: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 100, max: 1500 })),
      isInteger: fc.boolean(),
      spread: fc.constantFrom(2, 30, 1e5),
      seed,
      storage,
    });
    fc.assert(
      fc.property(drawn, fc.nat(1e6), ({ rows, width, isInteger, spread, seed: from, storage: each }, choice) => {
        const dtype: DType = isInteger ? 'int32' : 'float32';
        const x = { ...anyTensor([rows, width], { dtype: 'int32', seed: from, least: -spread, most: spread }), dtype };
        expectRow(topNode(x, 1 + (choice % width)), [x], { inputs: each, outputs: each, tolerance: 0 });
      }),
      { numRuns: 15 },
    );
  });

  it.each([
    ['one block at its limit', 8192, 8192],
    ['several tiles, all of them', 8193, 8193],
    ['several tiles, few of them', 13_000, 10],
    ['several tiles, more than one of them holds', 10_000, 5000],
  ])('of %s', (_, width, k) => {
    const x = anyTensor([k < width / 2 ? 2 : 1, width], { dtype: 'float32', seed: 7, least: -500, most: 500 });
    const few = { ...x, data: Float64Array.from(x.data, Math.round) };
    expectRow(topNode(few, k), [few], { tolerance: 0, orders: ['forward', { seed: 2 }] });
  });

  it('puts NaN first and zeros of both signs together', () => {
    const { NaN: none, POSITIVE_INFINITY: most, NEGATIVE_INFINITY: least } = Number;
    const x: HostTensor = { shape: [9], dtype: 'float32', data: [0, least, none, 1, -0, most, -none, 0, -1] };
    expect(runRow(topNode(x, 9), [x])).toEqual([
      [none, none, most, 1, 0, -0, 0, -1, least],
      [2, 6, 5, 3, 0, 4, 7, 8, 1],
    ]);
  });

  it('orders the extremes of integers', () => {
    const x: HostTensor = { shape: [4], dtype: 'int32', data: [0, -(2 ** 31), 2 ** 31 - 1, -1] };
    expect(runRow(topNode(x, 3), [x])).toEqual([
      [2 ** 31 - 1, 0, -1],
      [2, 0, 3],
    ]);
  });
});

simulated('Cumsum', () => {
  const length = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constantFrom(31, 33, 40, 130, 1024, 1025, 2100));

  it('along any axis, from either end, with and without the place itself', () => {
    const drawn = fc.record({
      shape: fc
        .array(length, { minLength: 1, maxLength: 4 })
        .filter((shape) => shape.reduce((size, each) => size * each, 1) <= 12_000),
      choice: fc.nat(10),
      exclusive: fc.boolean(),
      reverse: fc.boolean(),
      isInteger: fc.boolean(),
      seed,
      storages: fc.tuple(storage, storage),
    });
    fc.assert(
      fc.property(drawn, ({ shape, choice, exclusive, reverse, isInteger, seed: from, storages }) => {
        const axis = choice % shape.length;
        const dtype: DType = isInteger ? 'int32' : 'float32';
        const x = anyTensor(shape, { dtype, seed: from, least: -1e4, most: 1e5 });
        const attributes = { axis, exclusive, reverse };
        const node = { op: 'Cumsum', inputs: [x], attributes, outputs: [{ shape, dtype }] } as unknown as Node;
        expectRow(node, [x], { inputs: storages[0], outputs: storages[1] });
      }),
      { numRuns: 20 },
    );
  });

  it.each<readonly [string, readonly number[], number]>([
    ['many columns, a thread each', [2, 40, 2100], 1],
    ['one long row', [1, 10_000], 1],
    ['few long columns', [3000, 2], 0],
  ])('%s', (_, shape, axis) => {
    const x = anyTensor(shape, { dtype: 'int32', seed: 3, least: -100, most: 1e5 });
    const attributes = { axis, exclusive: true, reverse: true };
    const node = { op: 'Cumsum', inputs: [x], attributes, outputs: [{ shape, dtype: 'int32' }] } as unknown as Node;
    expectRow(node, [x]);
  });

  it('of an infinity leaves the places before it alone', () => {
    const x: HostTensor = { shape: [4], dtype: 'float32', data: [1, 2, Number.POSITIVE_INFINITY, 3] };
    const attributes = { axis: 0, exclusive: true, reverse: false };
    const node = { op: 'Cumsum', inputs: [x], attributes, outputs: [x] } as unknown as Node;
    expect(runRow(node, [x])).toEqual([[0, 1, 3, Number.POSITIVE_INFINITY]]);
  });
});
