import * as tf from '@tensorflow/tfjs';

type Flags = { readonly transposeA: boolean; readonly transposeB: boolean };
type Operands = { readonly a: tf.Tensor; readonly b: tf.Tensor };

/** What tfjs's own wasm kernels use of their backend. */
interface WasmBackend {
  makeOutput(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo;
  typedArrayFromHeap(info: tf.TensorInfo): Float32Array;
  disposeData(dataId: tf.DataId): void;
}

/** Multiply-adds of one product from which copying it out pays: 8,400 broke even, 67,600 went five times as fast. */
const WORTH_COPYING = 10_000;

/**
 * `PeftMatMul` on wasm, where only a product of two plain, single matrices reaches the vectorised kernel (XNNPACK): the
 * rest runs some fifteen times slower. So transposes are made explicit and stacks go matrix by matrix.
 */
export function wasmMatMul({ a, b }: Operands, { transposeA, transposeB }: Flags): tf.Tensor {
  const [rows, inner] = sizes(a, transposeA);
  const [, columns] = sizes(b, transposeB);
  if (a.rank === 3 && a.shape[0] !== 1 && rows * inner * columns < WORTH_COPYING) {
    return tf.matMul(a, b, transposeA, transposeB);
  }
  if (transposedIsCheaper({ rows, inner, columns }, { transposeA, transposeB })) {
    return swap(plain(transposeB ? b : swap(b), transposeA ? a : swap(a)));
  }
  return plain(transposeA ? swap(a) : a, transposeB ? swap(b) : b);
}

/**
 * Whether (b'.a')' costs less than a.b: besides explicit transposes, XNNPACK packs the right side anew, unless it saw
 * the same matrix before. An untransposed right side is taken for a weight, which it did.
 */
function transposedIsCheaper(
  { rows, inner, columns }: { rows: number; inner: number; columns: number },
  { transposeA, transposeB }: Flags,
): boolean {
  if (!transposeA && !transposeB) return false;
  const left = rows * inner;
  const right = inner * columns;
  const direct = (transposeA ? swapTime(left) : 0) + (transposeB ? swapTime(right) : 0) + packTime(right);
  const reversed =
    (transposeA ? 0 : swapTime(left)) + (transposeB ? 0 : swapTime(right)) + swapTime(rows * columns) + packTime(left);
  return reversed < direct;
}

// Nanoseconds, measured over 17 shapes from 4x544x64 to 3072x512x768; a transpose that leaves the cache is slower.
function swapTime(elements: number): number {
  return elements * (elements < 131_072 ? 1 : 6);
}

function packTime(elements: number): number {
  return 4 * elements;
}

function plain(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return a.rank === 2 || a.shape[0] === 1 ? tf.matMul(a, b) : matrixByMatrix(a, b);
}

function matrixByMatrix(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const backend = tf.backend() as unknown as WasmBackend;
  const [count, rows, inner] = a.shape as [number, number, number];
  const columns = b.shape[2] as number;
  const multiply = tf.getKernel('BatchMatMul', 'wasm').kernelFunc;
  const result = backend.makeOutput([count, rows, columns], 'float32');
  const left = backend.makeOutput([1, rows, inner], 'float32');
  for (let index = 0; index < count; index++) {
    // A fresh right side each time: XNNPACK keeps it packed under its identity.
    const right = backend.makeOutput([1, inner, columns], 'float32');
    copyMatrix(backend, { from: a, to: left, index });
    copyMatrix(backend, { from: b, to: right, index });
    const one = multiply({
      inputs: { a: left, b: right },
      backend,
      attrs: { transposeA: false, transposeB: false },
    }) as tf.TensorInfo;
    backend.typedArrayFromHeap(result).set(backend.typedArrayFromHeap(one), index * rows * columns);
    backend.disposeData(one.dataId);
    backend.disposeData(right.dataId);
  }
  backend.disposeData(left.dataId);
  return tf.engine().makeTensorFromTensorInfo(result);
}

/** Views of the heap are taken anew each time: it moves when it grows. */
function copyMatrix(
  backend: WasmBackend,
  { from, to, index }: { from: tf.TensorInfo; to: tf.TensorInfo; index: number },
): void {
  const target = backend.typedArrayFromHeap(to);
  const start = index * target.length;
  target.set(backend.typedArrayFromHeap(from).subarray(start, start + target.length));
}

function sizes(x: tf.Tensor, transposed: boolean): [number, number] {
  const [first, second] = x.shape.slice(-2) as [number, number];
  return transposed ? [second, first] : [first, second];
}

function swap(x: tf.Tensor): tf.Tensor {
  return x.rank === 2 ? x.transpose([1, 0]) : x.transpose([0, 2, 1]);
}
