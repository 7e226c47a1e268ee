import { type DType, type HostArray, PeftError, type TypedArray } from '@peft/core';
import { type ByteSource, readRange } from '../byteSource.ts';
import { fileSource } from '../fileSource.ts';
import type { StoredTensor } from '../lazyTensor.ts';
import { quoted } from '../problemList.ts';
import type { OpaqueDtype } from './safetensorsDtype.ts';
import { readSafetensorsHeader } from './safetensorsHeader.ts';
import type { TensorEntry } from './tensorEntry.ts';

export interface SafetensorsFile {
  readonly name: string;
  /** The texts under `__metadata__`; empty when there are none. */
  readonly metadata: Readonly<Record<string, string>>;
  /** By name, in the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/**
 * Opens a safetensors file by its path or over a source: reads and checks the header, and each tensor's bytes only
 * when they are asked for.
 * Arrays keep the stored dtype; `toFloat32` of @peft/core widens them.
 */
export async function openSafetensors(from: string | ByteSource): Promise<SafetensorsFile> {
  const source = typeof from === 'string' ? await existingFile(from) : from;
  const { metadata, entries, dataStart } = await readSafetensorsHeader(source);
  const tensors = new Map(entries.map((entry) => [entry.name, storedTensor(source, entry, dataStart)]));
  return { name: source.name, metadata, tensors };
}

async function existingFile(path: string): Promise<ByteSource> {
  const source = await fileSource(path);
  if (source !== undefined) return source;
  throw new PeftError('checkpoint/missing-file', `${path}: there is no such file; check the path.`);
}

function storedTensor(source: ByteSource, entry: TensorEntry, dataStart: number): StoredTensor {
  const { name, shape, begin, end } = entry;
  const { dtype } = entry.dtype;
  const readBytes = () => readRange(source, dataStart + begin, end - begin);
  return {
    file: source.name,
    dtype,
    shape,
    byteLength: end - begin,
    readBytes,
    read: async (): Promise<HostArray> => {
      if (isOpaque(dtype)) {
        throw new PeftError(
          'checkpoint/opaque-dtype',
          `${source.name}: ${quoted(name)} is stored as ${dtype}, whose values this library does not interpret; take its bytes with readBytes(), or store it as another dtype.`,
        );
      }
      return { dtype, shape, data: viewAs(dtype, await readBytes()) };
    },
  };
}

function isOpaque(dtype: DType | OpaqueDtype): dtype is OpaqueDtype {
  return !(dtype in arrayTypes);
}

// Multi-byte views assume a little-endian host, as every browser and Node's common platforms are.
const arrayTypes: Readonly<Record<DType, new (buffer: ArrayBufferLike, offset: number, length: number) => TypedArray>> =
  {
    float64: Float64Array,
    float32: Float32Array,
    float16: Uint16Array,
    bfloat16: Uint16Array,
    float8_e4m3: Uint8Array,
    float8_e5m2: Uint8Array,
    int64: BigInt64Array,
    int32: Int32Array,
    int16: Int16Array,
    int8: Int8Array,
    uint64: BigUint64Array,
    uint32: Uint32Array,
    uint16: Uint16Array,
    uint8: Uint8Array,
    bool: Uint8Array,
  };

function viewAs(dtype: DType, bytes: Uint8Array): TypedArray {
  const ArrayType = arrayTypes[dtype];
  const { BYTES_PER_ELEMENT: width } = ArrayType as unknown as { BYTES_PER_ELEMENT: number };
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  return new ArrayType(aligned.buffer, aligned.byteOffset, aligned.byteLength / width);
}
