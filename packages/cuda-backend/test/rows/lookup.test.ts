import type { DType, HostTensor, Node } from '@peft/graph';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Storage } from '../../src/plan/storage.ts';
import { simulated } from '../simulator/simulated.ts';
import { anyTensor } from './anyTensor.ts';
import { expectRow } from './expectRow.ts';
import { lowerRow, runRow } from './runRow.ts';

type Shape = readonly number[];

const storage = fc.constantFrom<Storage>('f32', 'bf16');
const storages = fc.tuple(storage, storage);
const size = fc.integer({ min: 1, max: 5 });
const width = fc.constantFrom(1, 2, 3, 4, 7, 8, 16, 33);
const dtype = fc.constantFrom<DType>('float32', 'float32', 'int32', 'bool');
const seed = fc.nat(1e6);

const ids = (shape: Shape, below: number, from: number) =>
  anyTensor(shape, { dtype: 'int32', seed: from + 1, least: 0, most: below });

const list = (...numbers: number[]): HostTensor => ({ shape: [numbers.length], dtype: 'int32', data: numbers });

const nodeOf = (op: Node['op'], inputs: readonly HostTensor[], rest: { attributes?: object; output: Shape }) =>
  ({
    op,
    inputs,
    attributes: rest.attributes ?? {},
    outputs: [{ shape: rest.output, dtype: (op === 'ScatterNd' ? inputs[1] : inputs[0])?.dtype }],
  }) as unknown as Node;

/** Nothing is computed, so nothing but the change to bf16 may move a number. */
function expectFound(node: Node, inputs: readonly HostTensor[], [from, to]: readonly [Storage, Storage]): void {
  const exact = from === 'f32' && to === 'bf16' ? {} : { tolerance: 0 };
  expectRow(node, inputs, { inputs: from, outputs: to, ...exact });
}

simulated('lookups', () => {
  it('GatherV2 along any axis, leading axes shared or not', () => {
    const drawn = fc.record({ batch: size, outer: size, rows: size, count: size, inner: width, dtype, seed, storages });
    fc.assert(
      fc.property(drawn, fc.integer({ min: 0, max: 1 }), (each, batchDims) => {
        const { batch, outer, rows, count, inner } = each;
        const x = anyTensor([batch, outer, rows, inner], each);
        const wanted = ids(batchDims === 1 ? [batch, count] : [count, 2], rows, each.seed);
        const output = [batch, outer, ...wanted.shape.slice(batchDims), inner];
        const node = nodeOf('GatherV2', [x, wanted], { attributes: { axis: 2, batchDims }, output });
        expectFound(node, [x, wanted], each.storages);
      }),
      { numRuns: 20 },
    );
  });

  it('GatherNd by tuples of any depth', () => {
    const drawn = fc.record({
      shape: fc.array(size, { minLength: 1, maxLength: 4 }),
      inner: width,
      dtype,
      seed,
      storages,
    });
    fc.assert(
      fc.property(drawn, fc.nat(4), (each, choice) => {
        const shape = [...each.shape, each.inner];
        const depth = 1 + (choice % shape.length);
        const columns = shape.slice(0, depth).map((below, axis) => ids([7], below, each.seed + axis).data);
        const data = Array.from(
          { length: 7 * depth },
          (_, at) => columns[at % depth]?.[Math.floor(at / depth)] as number,
        );
        const tuples: HostTensor = { shape: [7, depth], dtype: 'int32', data };
        const x = anyTensor(shape, each);
        const node = nodeOf('GatherNd', [x, tuples], { output: [7, ...shape.slice(depth)] });
        expectFound(node, [x, tuples], each.storages);
      }),
      { numRuns: 15 },
    );
  });

  it.each<readonly [DType, Storage, number]>([
    ['float32', 'f32', Number.NaN],
    ['float32', 'bf16', Number.NaN],
    ['int32', 'f32', 0],
    ['bool', 'f32', 0],
  ])('an id that is no row reads %s %s as %d', (of, float, missing) => {
    const x: HostTensor = { shape: [2, 2], dtype: of, data: [1, 1, 1, 1] };
    const odd = list(0, -1, 2, 2 ** 31 - 1, -(2 ** 31), 1);
    const wanted = [1, 1, ...new Array<number>(8).fill(missing), 1, 1];
    const attributes = { axis: 0, batchDims: 0, rows: 2 };
    for (const op of ['GatherV2', 'PeftGather'] as const) {
      expect(runRow(nodeOf(op, [x, odd], { attributes, output: [6, 2] }), [x, odd], float)).toEqual([wanted]);
    }
    const tuples = { ...odd, shape: [3, 2], data: [0, 1, 1, 2, -1, 0] };
    expect(runRow(nodeOf('GatherNd', [x, tuples], { output: [3] }), [x, tuples], float)).toEqual([
      [1, missing, missing],
    ]);
  });

  it.each(['float32', 'int32', 'bool'] as const)('OneHot of %s', (of) => {
    const drawn = fc.record({
      count: fc.integer({ min: 1, max: 300 }),
      depth: fc.integer({ min: 1, max: 40 }),
      seed,
      storage,
    });
    fc.assert(
      fc.property(drawn, (each) => {
        const [onValue, offValue] = of === 'float32' ? [2.5, -1] : of === 'int32' ? [2 ** 30 + 1, -3] : [1, 0];
        // One beyond either end: all off.
        const given = anyTensor([each.count], { dtype: 'int32', seed: each.seed, least: -1, most: each.depth + 1 });
        const node = {
          ...nodeOf('OneHot', [given], { output: [] }),
          attributes: { depth: each.depth, onValue, offValue, dtype: of },
          outputs: [{ shape: [each.count, each.depth], dtype: of }],
        } as Node;
        expectRow(node, [given], { outputs: each.storage, tolerance: 0 });
      }),
      { numRuns: 20 },
    );
  });
});

interface Scattered {
  readonly count: number;
  readonly rows: number;
  readonly inner: number;
  readonly dtype: 'float32' | 'int32';
  readonly seed: number;
  readonly storages: readonly [Storage, Storage];
}

function expectScattered({ count, rows, inner, dtype: of, seed: from, storages: [given, made] }: Scattered): void {
  const x = anyTensor([count, inner], { dtype: of, seed: from, least: 1, most: of === 'int32' ? 2 ** 18 : 3 });
  const places = ids([count], rows, from);
  const output = [rows, inner];
  const inputs = [x, places];
  for (const op of ['UnsortedSegmentSum', 'PeftGatherGrad'] as const) {
    const node = nodeOf(op, inputs, { attributes: { numSegments: rows, rows }, output });
    expectRow(node, inputs, { inputs: given, outputs: made });
  }
  const tuples = { ...places, shape: [count, 1] };
  const scatter = nodeOf('ScatterNd', [tuples, x], { attributes: { shape: output }, output });
  expectRow(scatter, [tuples, x], { inputs: given, outputs: made });
}

simulated('sums at ids', () => {
  const drawn: fc.Arbitrary<Scattered> = fc.record({
    count: fc.integer({ min: 1, max: 300 }),
    // From one row for all to mostly one id a row.
    rows: fc.constantFrom(1, 2, 5, 40, 1000),
    inner: width,
    dtype: fc.constantFrom('float32', 'int32'),
    seed,
    storages,
  });

  it('in the order of the ids, from one row for all to a row for each', () => {
    fc.assert(fc.property(drawn, expectScattered), { numRuns: 20 });
  });

  it.each([3, 20_000])('of more ids than one block sorts, to %i rows', (rows) => {
    const x = anyTensor([9000, 1], { dtype: 'float32', seed: 5, least: 1, most: 3 });
    const places = ids([9000], rows, 5);
    const node = nodeOf('UnsortedSegmentSum', [x, places], { attributes: { numSegments: rows }, output: [rows, 1] });
    expectRow(node, [x, places], { orders: ['forward', { seed: 1 }] });
  });

  it('at tuples', () => {
    const tuples: HostTensor = { shape: [4, 2], dtype: 'int32', data: [1, 2, 0, 0, 1, 2, 1, 0] };
    const x: HostTensor = { shape: [4, 2], dtype: 'float32', data: [1, 2, 3, 4, 5, 6, 7, 8] };
    const output = [2, 3, 2];
    expectRow(nodeOf('ScatterNd', [tuples, x], { attributes: { shape: output }, output }), [tuples, x], {
      tolerance: 0,
    });
  });

  it('leave out ids that are no row', () => {
    const places = list(1, -1, 2, 1, 2 ** 31 - 1, -(2 ** 31), 0);
    const x: HostTensor = { shape: [7], dtype: 'float32', data: [1, 2, 4, 8, 16, 32, 64] };
    const node = nodeOf('UnsortedSegmentSum', [x, places], { attributes: { numSegments: 2 }, output: [2] });
    expect(runRow(node, [x, places])).toEqual([[64, 9]]);
    const none = list(5, 5, 5, 5, 5, 5, 5);
    expect(runRow({ ...node, inputs: [x, none] } as Node, [x, none])).toEqual([[0, 0]]);
    const tuples: HostTensor = { shape: [2, 2], dtype: 'int32', data: [0, 2, 1, 1] };
    const pair: HostTensor = { shape: [2], dtype: 'float32', data: [3, 5] };
    const output = [2, 2];
    const scatter = nodeOf('ScatterNd', [tuples, pair], { attributes: { shape: output }, output });
    expect(runRow(scatter, [tuples, pair])).toEqual([[0, 0, 0, 5]]);
  });

  it('of integers wrap as on every processor', () => {
    const x: HostTensor = { shape: [2], dtype: 'int32', data: [2 ** 31 - 1, 2] };
    const node = nodeOf('UnsortedSegmentSum', [x, list(0, 0)], { attributes: { numSegments: 1 }, output: [1] });
    expect(runRow(node, [x, list(0, 0)])).toEqual([[-(2 ** 31) + 1]]);
  });
});

describe('launches', () => {
  it('of the gradient of an embedding: a sort, and two passes over the rows that were read', () => {
    const type = (of: 'float32' | 'int32', ...shape: number[]) => ({ shape, dtype: of, data: [] });
    const inputs = [type('float32', 4096, 768), type('int32', 4096)];
    const node = nodeOf('PeftGatherGrad', inputs, { attributes: { rows: 50_257 }, output: [50_257, 768] });
    const launches = lowerRow(node).commands.map((command) =>
      command.kind === 'kernel' ? `${command.kernel.name} ${command.blocks} x ${command.threads}` : command.kind,
    );
    expect(launches).toEqual(['clear', 'scatterSort 1 x 1024', 'scatterSum 384 x 256', 'scatterJoin 384 x 256']);
  });
});
