import { type HostArray, PeftError } from '@peft/core';
import { problemList, quoted } from '../problemList.ts';

/** Floats that a file may hold in place of float32. */
export type FloatDtype = 'float32' | 'float16' | 'bfloat16';

/**
 * Tensors with their floats rounded to the nearest of another dtype, ties to even, as torch does. Throws
 * `checkpoint/overflow` with every tensor that has a finite value beyond the dtype's range.
 */
export function narrowed(tensors: ReadonlyMap<string, HostArray>, dtype: FloatDtype): Map<string, HostArray> {
  if (dtype === 'float32') return new Map(tensors);
  const isInfinite = dtype === 'float16' ? 0x7c00 : 0x7f80;
  const problems: string[] = [];
  const rounded = [...tensors].map(([name, array]): [string, HostArray] => {
    if (!(array.data instanceof Float32Array)) return [name, array];
    const values = array.data;
    const data = halves(values, dtype);
    let beyond = 0;
    for (let i = 0; i < data.length; i++) {
      if (((data[i] as number) & 0x7fff) === isInfinite && Number.isFinite(values[i])) beyond++;
    }
    if (beyond > 0) problems.push(`${quoted(name)}: ${beyond} of ${data.length} values`);
    return [name, { dtype, shape: array.shape, data }];
  });
  if (problems.length === 0) return new Map(rounded);
  throw new PeftError(
    'checkpoint/overflow',
    `these tensors have values beyond the range of ${dtype}, which would become infinite; write them as ${dtype === 'float16' ? 'bfloat16 or float32' : 'float32'}:${problemList(problems)}`,
  );
}

/** The bits of the nearest values of the dtype, infinity for those beyond its range. */
export function halves(values: Float32Array, dtype: Exclude<FloatDtype, 'float32'>): Uint16Array<ArrayBuffer> {
  const round = dtype === 'float16' ? toFloat16 : toBfloat16;
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, round);
}

function toBfloat16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

function toFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  // From 65520 on the nearest is infinity.
  if (size >= 0x477ff000) return sign | 0x7c00;
  if (size < 0x38800000) {
    // Below 2^-14 halves have a fixed step, that of float32 just above 0.5: adding 0.5 rounds to it.
    word[0] = size;
    float[0] = (float[0] as number) + 0.5;
    return sign | ((word[0] as number) - 0x3f000000);
  }
  return sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
}
