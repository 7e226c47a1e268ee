import { CudaError } from '../cudaError.ts';

/** One field of a kernel's parameter struct: pointers and i64 take 8 bytes, the others 4. */
export type Field =
  | { readonly type: 'pointer' | 'i64'; readonly value: bigint | number }
  | { readonly type: 'i32' | 'u32' | 'f32'; readonly value: number };

/** A parameter struct, laid out as C lays it out: each field at a multiple of its own size. */
export interface ParameterBlock {
  readonly bytes: Uint8Array;
}

export function sizeOfField({ type }: Pick<Field, 'type'>): 4 | 8 {
  return type === 'pointer' || type === 'i64' ? 8 : 4;
}

/** Lays fields out; the struct's size is a multiple of 8. @throws CudaError `cuda/internal` for a number out of range */
export function parameterBlock(fields: readonly Field[]): ParameterBlock {
  let size = 0;
  const places = fields.map((field) => {
    const bytes = sizeOfField(field);
    const place = Math.ceil(size / bytes) * bytes;
    size = place + bytes;
    return place;
  });
  const view = new DataView(new ArrayBuffer(Math.ceil(size / 8) * 8));
  for (const [index, { type, value }] of fields.entries()) {
    const place = places[index] as number;
    if (type === 'pointer') view.setBigUint64(place, BigInt(value), true);
    else if (type === 'i64') view.setBigInt64(place, BigInt(value), true);
    else if (type === 'f32') view.setFloat32(place, Number(value), true);
    else {
      const [least, most] = type === 'i32' ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
      if (!Number.isInteger(value) || Number(value) < least || Number(value) > most) {
        throw new CudaError('cuda/internal', `internal: field ${index} is ${value}, no ${type}; please report it.`);
      }
      if (type === 'i32') view.setInt32(place, Number(value), true);
      else view.setUint32(place, Number(value), true);
    }
  }
  return { bytes: new Uint8Array(view.buffer) };
}
