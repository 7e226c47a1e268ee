import type { Product } from '../device/products.ts';
import { type Argument, f32, i32, i64, nothing, reads, writes } from '../plan/command.ts';
import type { Operand } from '../plan/operand.ts';
import { storageTags } from '../plan/storage.ts';
import type { ResolvedProduct } from './emitProduct.ts';
import type { Emitter } from './emitter.ts';

const tileRows = 128;
const tileWidths = [16, 32, 64, 128] as const;
const threads = 256;

/**
 * A product on kernels of this package: bf16 on tensor cores, f32 exactly. The narrower side is the columns of a tile, and
 * the inner axis is split where there are too few tiles for the device; the parts of a sum are added up in order.
 */
export function productByKernel(
  call: ResolvedProduct,
  emit: Pick<Emitter, 'device' | 'kernel' | 'scratch' | 'stored'>,
): void {
  const { c, addend = c, bias } = call;
  const storage = call.a.storage === 'bf16' && call.b.storage === 'bf16' ? 'bf16' : 'f32';
  const [a, b] = [emit.stored(call.a, storage), emit.stored(call.b, storage)];
  const { product, left, right, isTurned } = oriented(call.product, a, b);
  const { rows, columns, inner, batch, accumulate, alpha } = product;
  const width = tileWidths.find((each) => columns <= each) ?? 128;
  const tiles = Math.ceil(rows / tileRows) * Math.ceil(columns / width) * batch;
  const share = shareOfInner({ inner, tiles, multiprocessors: emit.device.multiprocessors });
  const splits = Math.max(Math.ceil(inner / share), 1);
  const parts = splits > 1 ? emit.scratch([splits, batch, rows, columns], 'f32') : undefined;
  const common = (access: (parts: Operand) => Argument): readonly Argument[] => [
    reads(left),
    reads(right),
    writes(c),
    accumulate ? reads(addend) : nothing,
    bias ? reads(bias) : nothing,
    parts ? access(parts) : nothing,
    ...[product.a.rowStride, product.a.batchStride, product.b.rowStride, product.b.batchStride].map(i64),
    i64(isTurned ? 1 : product.c.rowStride),
    i64(isTurned ? product.c.rowStride : 1),
    i64(product.c.batchStride),
    ...[rows, columns, inner, batch, share].map(i32),
    i32(Number(product.a.transposed)),
    i32(Number(product.b.transposed)),
    i32(Number(isTurned)),
    i32(storageTags[c.storage]),
    i32(storageTags[bias?.storage ?? 'f32']),
    f32(alpha),
    i32(0),
  ];
  const name = `product${storage === 'bf16' ? 'Bf16' : 'F32'}x${width}`;
  emit.kernel({
    kernel: { file: name, name },
    blocks: tiles * splits,
    threads,
    ...(storage === 'bf16' ? { sharedBytes: sharedBytes(width, product.b.transposed) } : {}),
    arguments: common(writes),
  });
  if (!parts) return;
  emit.kernel({
    kernel: { file: 'productSum', name: 'productSum' },
    blocks: Math.min(Math.ceil((batch * rows * columns) / threads), 8 * emit.device.multiprocessors),
    threads,
    arguments: common(reads),
  });
}

interface Oriented {
  readonly product: Product;
  readonly left: Operand;
  readonly right: Operand;
  /** Whether it is c' = b' a' instead of c = a b. */
  readonly isTurned: boolean;
}

/** Turns a product around where that leaves less of its tiles empty: c' = b' a'. */
function oriented(product: Product, a: Operand, b: Operand): Oriented {
  const { rows, columns } = product;
  if (columns <= rows || rows > 64) return { product, left: a, right: b, isTurned: false };
  const turned = (matrix: Product['a']) => ({ ...matrix, transposed: !matrix.transposed });
  return {
    product: { ...product, rows: columns, columns: rows, a: turned(product.b), b: turned(product.a) },
    left: b,
    right: a,
    isTurned: true,
  };
}

interface Splitting {
  readonly inner: number;
  readonly tiles: number;
  readonly multiprocessors: number;
}

const step = 64;

/** How much of the inner axis one block works on: all of it unless the device would stay idle; a multiple of `step`. */
function shareOfInner({ inner, tiles, multiprocessors }: Splitting): number {
  const steps = Math.max(Math.ceil(inner / step), 1);
  const wanted = Math.floor((2 * multiprocessors) / tiles);
  const splits = Math.min(Math.max(wanted, 1), Math.ceil(steps / leastSteps));
  return Math.ceil(steps / splits) * step;
}

/** Shorter parts would be mostly the adding up of parts. */
const leastSteps = 4;

/** Two stages of a tile of each factor, as `productTile` in kernels/productBf16.cuh lays them out. */
function sharedBytes(width: number, transposeB: boolean): number {
  const a = tileRows * step;
  const b = transposeB ? width * step : step * (width > 64 ? 128 : 64);
  return 2 * 2 * (a + b);
}
