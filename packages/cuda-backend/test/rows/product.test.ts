import { sizeOf } from '@peft/core';
import type { HostTensor, Node } from '@peft/graph';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Product } from '../../src/device/products.ts';
import { CommandEmitter } from '../../src/lowering/commandEmitter.ts';
import { productByKernel } from '../../src/lowering/productByKernel.ts';
import type { Operand } from '../../src/plan/operand.ts';
import type { Storage } from '../../src/plan/storage.ts';
import { HostExecutor } from '../simulator/hostExecutor.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedDescription } from '../simulator/simulatedDescription.ts';
import { asStored } from '../simulator/storedNumbers.ts';
import { drawnTensor } from './drawnTensor.ts';
import { expectNear, expectRow } from './expectRow.ts';

/** Within a tile of columns, of each width, at the edge of one of rows, and beyond. */
const size = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(32, 40, 64, 72, 127, 129, 200));
const inner = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(128, 200, 500, 1030));

interface Drawn {
  readonly sizes: readonly [number, number, number];
  readonly batch: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly accumulate: 'no' | 'c' | 'addend';
  readonly hasBias: boolean;
  /** Numbers between the end of a row and the next. */
  readonly gap: number;
  readonly storage: Storage;
  readonly seed: number;
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  sizes: fc.tuple(size, size, inner),
  batch: fc.integer({ min: 1, max: 3 }),
  transposeA: fc.boolean(),
  transposeB: fc.boolean(),
  accumulate: fc.constantFrom('no', 'c', 'addend'),
  hasBias: fc.boolean(),
  gap: fc.constantFrom(0, 3, 8),
  storage: fc.constantFrom<Storage>('f32', 'bf16'),
  seed: fc.nat(1e6),
});

interface Stacked extends HostTensor {
  readonly rowStride: number;
}

/** A stack of matrices of which each row is followed by numbers that nobody may read. */
function stacked([rows, columns]: readonly [number, number], { batch, gap, storage, seed }: Draw): Stacked {
  const rowStride = columns + gap;
  const { data, ...type } = drawnTensor([batch, rows, rowStride], { seed });
  const stored = asStored(data, storage);
  return { ...type, rowStride, data: Float32Array.from(stored, (x, i) => (i % rowStride < columns ? x : Number.NaN)) };
}

type Draw = Pick<Drawn, 'batch' | 'gap' | 'storage' | 'seed'>;

function expectProduct(each: Drawn): void {
  const { sizes, batch, transposeA, transposeB, accumulate, hasBias, storage, seed } = each;
  const [rows, columns, depth] = sizes;
  const alpha = 0.7;
  const a = stacked(transposeA ? [depth, rows] : [rows, depth], each);
  const b = stacked(transposeB ? [columns, depth] : [depth, columns], { ...each, seed: seed + 1 });
  const before = stacked([rows, columns], { ...each, seed: seed + 2 });
  const bias = hasBias ? { ...drawnTensor([columns], { seed: seed + 3 }) } : undefined;
  const product: Product = {
    rows,
    columns,
    inner: depth,
    batch,
    a: { storage, rowStride: a.rowStride, batchStride: sizeOf(a.shape) / batch, transposed: transposeA },
    b: { storage, rowStride: b.rowStride, batchStride: sizeOf(b.shape) / batch, transposed: transposeB },
    c: { storage, rowStride: before.rowStride, batchStride: sizeOf(before.shape) / batch },
    alpha,
    accumulate: accumulate !== 'no',
    ...(bias ? { bias: 'f32' } : {}),
    tf32: false,
  };
  const emit = new CommandEmitter({ device: simulatedDescription, precision: 'float32', hasProductLibrary: false });
  emit.begin('a product');
  const place = (tensor: HostTensor, label: string, as: Storage = storage): Operand =>
    emit.allocate(tensor, { storage: as, kind: 'arena', label });
  const operands = { a: place(a, 'a'), b: place(b, 'b'), c: place(before, 'c') };
  const addend = accumulate === 'addend' ? place(before, 'addend') : undefined;
  const added = bias && place(bias, 'bias', 'f32');
  productByKernel({ product, ...operands, ...(addend ? { addend } : {}), ...(added ? { bias: added } : {}) }, emit);

  const results = (['forward', { seed: 1 }] as const).map((order) => {
    const executor = new HostExecutor({ isStrict: true });
    executor.write(operands.a, a.data);
    executor.write(operands.b, b.data);
    executor.write(operands.c, before.data);
    if (addend) executor.write(addend, before.data);
    if (bias && added) executor.write(added, bias.data);
    executor.run(emit.commands, order);
    const result = Float32Array.from(executor.read(operands.c));
    executor.close();
    return result;
  });
  const at = (x: Stacked, each: number, place: readonly [number, number]) =>
    x.data[each * (sizeOf(x.shape) / batch) + place[0] * x.rowStride + place[1]] as number;
  const expected = Float64Array.from(before.data, (old, index) => {
    const column = index % before.rowStride;
    const row = Math.floor(index / before.rowStride) % rows;
    const stack = Math.floor(index / before.rowStride / rows);
    if (column >= columns) return Number.NaN;
    let sum = 0;
    for (let k = 0; k < depth; k++) {
      sum += at(a, stack, transposeA ? [k, row] : [row, k]) * at(b, stack, transposeB ? [column, k] : [k, column]);
    }
    return alpha * sum + (accumulate === 'no' ? 0 : old) + (bias?.data[column] ?? 0);
  });
  const what = JSON.stringify(each);
  expect(results[1], what).toEqual(results[0]);
  expectNear(results[0] as Float32Array, expected, { what, tolerance: storage === 'f32' ? 1e-5 : 2 ** -8 });
}

simulated('products on kernels of this package', () => {
  it('of any sizes, strides and transposes, the same bits in every order', () => {
    fc.assert(fc.property(drawn, expectProduct), { numRuns: 8 });
  });

  it('of low-rank factors, split along a long inner axis', () => {
    const [tokens, width, rank] = [1100, 96, 8];
    const x = drawnTensor([tokens, width], { seed: 1 });
    const down = drawnTensor([tokens, rank], { seed: 2 });
    const expectProductRow = (inputs: readonly HostTensor[], transposeA: boolean, shape: readonly number[]) => {
      const attributes = { transposeA, transposeB: false };
      const node = { op: 'PeftMatMul', inputs, attributes, outputs: [{ shape, dtype: 'float32' }] };
      for (const storage of ['f32', 'bf16'] as const) {
        expectRow(node as unknown as Node, inputs, { inputs: storage, hasProductLibrary: false });
      }
    };
    expectProductRow([x, down], true, [width, rank]);
    expectProductRow([down, x], true, [rank, width]);
    expectProductRow([x, drawnTensor([width, rank], { seed: 3 })], false, [tokens, rank]);
    expectProductRow([down, drawnTensor([rank, width], { seed: 4 })], false, [tokens, width]);
  });
});
