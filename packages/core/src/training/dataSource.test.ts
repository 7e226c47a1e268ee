import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostArray } from '../hostArray.ts';
import { BatchReader } from './batchReader.ts';
import { type BatchesOptions, batches, type Data } from './dataSource.ts';
import type { HostBatch } from './loss.ts';

const column = (rows: number) => ({
  id: hostArray(Int32Array.from({ length: rows }, (_, i) => i)),
  pair: hostArray(
    Float32Array.from({ length: rows * 2 }, (_, i) => Math.floor(i / 2) + (i % 2) / 2),
    [rows, 2],
  ),
});
const idsOf = (batch: HostBatch) => Array.from(batch.id?.data as Int32Array);
const drawn = (rows: number, options: BatchesOptions, [epoch, seed, skip]: readonly [number, number, number]) => [
  ...(batches(column(rows), options).batches(epoch, seed, skip) as Iterable<HostBatch>),
];

describe('batches', () => {
  it('keep the order of the rows without shuffle, the last one short', () => {
    const read = drawn(5, { batchSize: 2, shuffle: false }, [3, 9, 0]);
    expect(read.map(idsOf)).toEqual([[0, 1], [2, 3], [4]]);
    expect(read[2]).toEqual({ id: hostArray(Int32Array.of(4)), pair: hostArray([4, 4.5], [1, 2]) });
    expect(drawn(5, { batchSize: 2, shuffle: false, dropLast: true }, [0, 0, 0]).map(idsOf)).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(batches(column(5), { batchSize: 2 }).batchesPerEpoch).toBe(3);
    expect(batches(column(5), { batchSize: 2, dropLast: true }).batchesPerEpoch).toBe(2);
  });

  it('draw every row once, in an order of seed and epoch, columns together', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 9 }), fc.nat(99), fc.nat(99));
    fc.assert(
      fc.property(sizes, ([rows, batchSize, epoch, seed]) => {
        const read = drawn(rows, { batchSize }, [epoch, seed, 0]);
        const ids = read.flatMap(idsOf);
        expect([...ids].sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, i) => i));
        expect(read.flatMap(({ pair }) => Array.from(pair?.data as Float32Array))).toEqual(
          ids.flatMap((id) => [id, id + 0.5]),
        );
        expect(drawn(rows, { batchSize }, [epoch, seed, 0]).flatMap(idsOf)).toEqual(ids);
      }),
    );
    const order = (epoch: number, seed: number) => drawn(30, { batchSize: 30 }, [epoch, seed, 0]).flatMap(idsOf);
    expect(order(1, 0)).not.toEqual(order(0, 0));
    expect(order(0, 1)).not.toEqual(order(0, 0));
  });

  it('skip the batches that were read before', () => {
    const whole = drawn(11, { batchSize: 3 }, [2, 5, 0]).map(idsOf);
    for (let skip = 0; skip <= 4; skip++) {
      expect(drawn(11, { batchSize: 3 }, [2, 5, skip]).map(idsOf)).toEqual(whole.slice(skip));
    }
  });
});

describe('the batch reader', () => {
  const one = (id: number): HostBatch => ({ id: hostArray(Int32Array.of(id)) });
  async function* slowly(ids: readonly number[]) {
    for (const id of ids) {
      await Promise.resolve();
      yield one(id);
    }
  }

  it('reads epoch after epoch, and continues from any position as if it had never stopped', async () => {
    const data = batches(column(7), { batchSize: 3 });
    const reader = new BatchReader(data, 4);
    const read: { ids: number[]; position: BatchReader['position'] }[] = [];
    for (let i = 0; i < 8; i++) {
      const { position } = reader;
      read.push({ ids: idsOf(await reader.next()), position });
    }
    expect(reader.position).toEqual({ epoch: 2, batch: 2 });
    expect(new Set(read[3]?.ids)).not.toEqual(new Set(read[0]?.ids));
    for (const [from, { position }] of read.entries()) {
      const resumed = new BatchReader(data, 4, position);
      for (const { ids } of read.slice(from)) expect(idsOf(await resumed.next())).toEqual(ids);
    }
  });

  it.each([
    ['an array', () => [one(1), one(2)]],
    ['a generator', () => [one(1), one(2)].values()],
    ['an async generator', () => slowly([1, 2])],
    ['an async source', () => ({ batches: (epoch: number) => slowly(epoch === 0 ? [1, 2] : []) })],
  ] as const)('reads %s once', async (_what, make) => {
    const reader = new BatchReader(make() as Data, 0);
    expect([idsOf(await reader.next()), idsOf(await reader.next())]).toEqual([[1], [2]]);
    await expect(reader.next()).rejects.toThrow(/^the data ended after /);
  });

  it('closes what it reads', async () => {
    let closed = 0;
    const source = {
      *batches() {
        try {
          yield one(1);
          yield one(2);
        } finally {
          closed++;
        }
      },
    };
    const reader = new BatchReader(source, 0);
    await reader.close();
    await reader.next();
    await reader.close();
    await reader.close();
    expect(closed).toBe(1);
  });
});
