import { type HostArray, toFloat32 } from '@peft/core';
import { bytesPerNumber, type Storage } from '../plan/storage.ts';
import { toBf16 } from '../plan/toBf16.ts';

/** Writes the numbers of a host array from byte `begin` of its stored form on to a piece of memory. */
export type FillStorage = (piece: Uint8Array<ArrayBuffer>, begin: number) => void;

/** How a host array gets to lie in a storage, piece by piece: as it is where it lies so already. */
export function fillStorage({ dtype, data, shape }: HostArray, storage: Storage): FillStorage {
  const width = bytesPerNumber(storage);
  const partOf = (piece: Uint8Array, begin: number) => data.subarray(begin / width, (begin + piece.byteLength) / width);
  const isAsStored =
    (storage === 'f32' && dtype === 'float32') ||
    (storage === 'bf16' && dtype === 'bfloat16') ||
    (storage === 'i32' && dtype === 'int32') ||
    (storage === 'u8' && dtype === 'bool');
  if (isAsStored) {
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    return (piece, begin) => piece.set(bytes.subarray(begin, begin + piece.byteLength));
  }
  if (storage === 'bf16' && dtype === 'float16') {
    return (piece, begin) => roundHalf(partOf(piece, begin) as Uint16Array, viewOf(Uint16Array, piece));
  }
  const floats = (piece: Uint8Array, begin: number) => toFloat32({ dtype, shape, data: partOf(piece, begin) });
  if (storage === 'f32') return (piece, begin) => viewOf(Float32Array, piece).set(floats(piece, begin));
  if (storage === 'bf16') return (piece, begin) => viewOf(Uint16Array, piece).set(toBf16(floats(piece, begin)));
  const integers = (piece: Uint8Array, begin: number) =>
    Int32Array.from(partOf(piece, begin) as ArrayLike<number | bigint>, Number);
  if (storage === 'i32') return (piece, begin) => viewOf(Int32Array, piece).set(integers(piece, begin));
  return (piece, begin) => piece.set(integers(piece, begin).map((value) => Number(value !== 0)));
}

let bf16OfHalf: Uint16Array | undefined;

/** float16 to the nearest bf16: one look at a table instead of two conversions. */
function roundHalf(from: Uint16Array, to: Uint16Array): void {
  bf16OfHalf ??= tableOfHalf();
  const table = bf16OfHalf;
  for (let index = 0; index < from.length; index++) to[index] = table[from[index] as number] as number;
}

function tableOfHalf(): Uint16Array {
  const data = Uint16Array.from({ length: 65536 }, (_, code) => code);
  return toBf16(toFloat32({ dtype: 'float16', shape: [data.length], data }));
}

function viewOf<Array>(
  kind: new (buffer: ArrayBuffer, offset: number, length: number) => Array,
  piece: Uint8Array<ArrayBuffer>,
): Array {
  const { BYTES_PER_ELEMENT } = kind as unknown as { readonly BYTES_PER_ELEMENT: number };
  return new kind(piece.buffer, piece.byteOffset, piece.byteLength / BYTES_PER_ELEMENT);
}
