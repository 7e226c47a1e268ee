import { type HostInputs, hostArray } from '@peft/core';
import { expect, it } from 'vitest';
import { InputPacker } from './inputPacker.ts';

const inputs: HostInputs = {
  rate: 0.5,
  batch: {
    ids: { dtype: 'int64', shape: [2], data: BigInt64Array.of(-3n, 7n) },
    mask: { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) },
    x: hostArray([1, 2, 3, 4], [2, 2]),
  },
};
const packed = [
  { path: 'batch/x', storage: 'f32', offset: 0, count: 4 },
  { path: 'rate', storage: 'f32', offset: 16, count: 1 },
  { path: 'batch/ids', storage: 'i32', offset: 20, count: 2 },
  { path: 'batch/mask', storage: 'u8', offset: 28, count: 3 },
] as const;

it('puts every input that is read where it belongs, as a tensor would hold it', () => {
  const packer = new InputPacker(inputs, packed);
  const block = new ArrayBuffer(32);
  packer.pack(inputs, packer.viewsOf(block));
  expect([...new Float32Array(block, 0, 5)]).toEqual([1, 2, 3, 4, 0.5]);
  expect([...new Int32Array(block, 20, 2)]).toEqual([-3, 7]);
  expect([...new Uint8Array(block, 28, 3)]).toEqual([1, 0, 1]);
});

it('knows inputs of its types, and no others', () => {
  const packer = new InputPacker(inputs, packed);
  const batch = inputs.batch as { readonly [key: string]: HostInputs[string] };
  const { x: _, ...withoutX } = batch;
  const fits = (other: object) => packer.fits(other as HostInputs);
  expect(fits({ ...inputs, rate: 7, batch: { ...batch, x: hostArray([9, 9, 9, 9], [2, 2]) } })).toBe(true);
  expect(
    [
      {},
      { ...inputs, more: 1 },
      { ...inputs, rate: hostArray([0.5], []) },
      { ...inputs, rate: { rate: 1 } },
      { ...inputs, batch: 1 },
      { ...inputs, batch: withoutX },
      { ...inputs, batch: { ...withoutX, y: batch.x } },
      { ...inputs, batch: { ...batch, more: 1 } },
      { ...inputs, batch: { ...batch, x: hostArray([1, 2, 3, 4], [4, 1]) } },
      { ...inputs, batch: { ...batch, x: hostArray([1, 2, 3, 4], [4]) } },
      { ...inputs, batch: { ...batch, x: hostArray(Int32Array.of(1, 2, 3, 4), [2, 2]) } },
      { ...inputs, batch: { ...batch, x: { dtype: 1, shape: 2 } } },
    ].map(fits),
  ).toEqual(Array(12).fill(false));
});
