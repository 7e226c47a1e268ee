import type { DType } from '@peft/core';

/** Dtypes of the format that have no host form: their bytes can be read, their values cannot. */
export type OpaqueDtype = 'F4' | 'F6_E2M3' | 'F6_E3M2' | 'F8_E8M0' | 'F8_E4M3FNUZ' | 'F8_E5M2FNUZ' | 'C64';

export interface SafetensorsDtype {
  /** The format's own name, as headers spell it. */
  readonly code: string;
  readonly dtype: DType | OpaqueDtype;
  readonly bits: number;
}

// The reference implementation sorts tensors by this order, last first.
const ascending: readonly SafetensorsDtype[] = [
  { code: 'BOOL', dtype: 'bool', bits: 8 },
  { code: 'F4', dtype: 'F4', bits: 4 },
  { code: 'F6_E2M3', dtype: 'F6_E2M3', bits: 6 },
  { code: 'F6_E3M2', dtype: 'F6_E3M2', bits: 6 },
  { code: 'U8', dtype: 'uint8', bits: 8 },
  { code: 'I8', dtype: 'int8', bits: 8 },
  { code: 'F8_E5M2', dtype: 'float8_e5m2', bits: 8 },
  { code: 'F8_E4M3', dtype: 'float8_e4m3', bits: 8 },
  { code: 'F8_E8M0', dtype: 'F8_E8M0', bits: 8 },
  { code: 'F8_E4M3FNUZ', dtype: 'F8_E4M3FNUZ', bits: 8 },
  { code: 'F8_E5M2FNUZ', dtype: 'F8_E5M2FNUZ', bits: 8 },
  { code: 'I16', dtype: 'int16', bits: 16 },
  { code: 'U16', dtype: 'uint16', bits: 16 },
  { code: 'F16', dtype: 'float16', bits: 16 },
  { code: 'BF16', dtype: 'bfloat16', bits: 16 },
  { code: 'I32', dtype: 'int32', bits: 32 },
  { code: 'U32', dtype: 'uint32', bits: 32 },
  { code: 'F32', dtype: 'float32', bits: 32 },
  { code: 'C64', dtype: 'C64', bits: 64 },
  { code: 'F64', dtype: 'float64', bits: 64 },
  { code: 'I64', dtype: 'int64', bits: 64 },
  { code: 'U64', dtype: 'uint64', bits: 64 },
];

/** The dtypes of the format by the name that headers use, in increasing order of alignment. */
export const dtypeByCode: ReadonlyMap<string, SafetensorsDtype> = new Map(ascending.map((row) => [row.code, row]));

/** The dtypes of the format by the name that arrays use. */
export const dtypeByName: ReadonlyMap<string, SafetensorsDtype> = new Map(ascending.map((row) => [row.dtype, row]));

/** Place of a dtype in the order of tensors in a file; larger comes first. */
export function alignmentOrder(row: SafetensorsDtype): number {
  return ascending.indexOf(row);
}
