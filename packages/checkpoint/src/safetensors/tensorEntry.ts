import { kindOf } from '@peft/core';
import { isRecord } from '../parseJson.ts';
import { quoted } from '../problemList.ts';
import { dtypeByCode, type SafetensorsDtype } from './safetensorsDtype.ts';

/** What a header says of one tensor; `begin` and `end` count bytes from the end of the header. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** The entry, or in words what is wrong with it. */
export function parseTensorEntry(name: string, value: unknown): TensorEntry | string {
  if (/\p{Surrogate}/u.test(name)) return 'the name is not valid Unicode';
  if (!isRecord(value)) return `the entry is ${kindOf(value)}, and an object is expected`;
  const { dtype: code, shape, data_offsets: offsets } = value;
  const dtype = typeof code === 'string' ? dtypeByCode.get(code) : undefined;
  if (dtype === undefined) {
    const given = typeof code === 'string' ? quoted(code) : kindOf(code);
    return `dtype is ${given}, and the format knows ${[...dtypeByCode.keys()].join(', ')}`;
  }
  if (!Array.isArray(shape)) return `shape is ${kindOf(shape)}, and an array of whole numbers is expected`;
  const badAxis = shape.findIndex((length) => !isCount(length));
  if (badAxis >= 0)
    return `shape has ${show(shape[badAxis])} on axis ${badAxis}, and a whole number from 0 is expected`;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    const given = Array.isArray(offsets) ? `[${offsets.slice(0, 4).map(show).join(', ')}]` : kindOf(offsets);
    return `data_offsets is ${given}, and [begin, end] in whole bytes is expected`;
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) return `data_offsets begin at ${begin}, after their end at ${end}`;
  const bytes = byteLengthOf(shape, dtype.bits);
  if (typeof bytes === 'string') return bytes;
  if (bytes !== end - begin) {
    return `${dtype.code} of shape [${showShape(shape)}] takes ${bytes} bytes, and data_offsets [${begin}, ${end}] give ${end - begin}`;
  }
  return { name, dtype, shape, begin, end };
}

/** Bytes of the values, or in words why there is no such number. */
export function byteLengthOf(shape: readonly number[], bits: number): number | string {
  let elements = 1;
  for (const length of shape) {
    elements *= length;
    if (!Number.isSafeInteger(elements * bits))
      return `shape [${showShape(shape)}] has more elements than can be counted`;
  }
  const size = elements * bits;
  return size % 8 === 0 ? size / 8 : `${elements} values of ${bits} bits do not fill whole bytes`;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && !Object.is(value, -0) && (value as number) >= 0;
}

/** A shape as it may stand in a message. */
export function showShape(shape: readonly number[]): string {
  return shape.length > 12 ? `${shape.slice(0, 12).join(', ')}, ... ${shape.length} axes` : shape.join(', ');
}

function show(value: unknown): string {
  return typeof value === 'number' ? (Object.is(value, -0) ? '-0' : String(value)) : kindOf(value);
}
