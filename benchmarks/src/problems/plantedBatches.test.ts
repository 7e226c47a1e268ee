import type { HostBatch } from '@peft/core';
import { expect, test } from 'vitest';
import { multiply } from './matrix.ts';
import { gaussianStream } from './plantedBatches.ts';
import { plantedMatrix } from './plantedMatrix.ts';

const planted = [1, 2].map((seed) => plantedMatrix(seed, { rows: 5, columns: 3, singularValues: [2, 1] }));

async function first(noise: number, { seed, skip }: { seed: number; skip: number }): Promise<HostBatch> {
  for await (const batch of gaussianStream(planted, { rows: 4, noise }).batches(0, seed, skip)) return batch;
  throw new Error('an endless stream ended');
}

test('outputs are those of the planted maps, side by side', async () => {
  const { x, y } = (await first(0, { seed: 1, skip: 0 })) as Required<HostBatch>;
  expect(y?.shape).toEqual([4, 6]);
  const input = { rows: 4, columns: 5, values: Float64Array.from(x?.data as Float32Array) };
  const outputs = planted.map((map) => multiply(input, map).values);
  for (let row = 0; row < 4; row++) {
    const wanted = outputs.flatMap((values) => [...values.subarray(3 * row, 3 * row + 3)]);
    for (const [column, value] of wanted.entries()) expect(y?.data[6 * row + column]).toBeCloseTo(value, 5);
  }
});

test('noise is added to outputs alone, and every step and seed has its own draw', async () => {
  const clean = await first(0, { seed: 1, skip: 0 });
  const noisy = await first(0.5, { seed: 1, skip: 0 });
  expect(noisy.x).toEqual(clean.x);
  expect(noisy.y).not.toEqual(clean.y);
  expect(await first(0.5, { seed: 1, skip: 0 })).toEqual(noisy);
  expect((await first(0.5, { seed: 1, skip: 1 })).x).not.toEqual(noisy.x);
  expect((await first(0.5, { seed: 2, skip: 0 })).x).not.toEqual(noisy.x);
});
