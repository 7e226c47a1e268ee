import { PeftError } from '@peft/core';
import type { LazyTensor } from '../lazyTensor.ts';
import { problemList, quoted } from '../problemList.ts';
import { compareCodePoints } from './compareCodePoints.ts';
import { alignmentOrder, dtypeByName, type SafetensorsDtype } from './safetensorsDtype.ts';
import { lengthBytes, longestHeader, metadataKey } from './safetensorsHeader.ts';
import { byteLengthOf } from './tensorEntry.ts';

type Described = Pick<LazyTensor, 'dtype' | 'shape'>;

export interface SafetensorsPlan<T extends Described> {
  /** Length field and padded header. */
  readonly header: Uint8Array;
  /** In the order of the file. */
  readonly tensors: readonly { readonly name: string; readonly tensor: T; readonly byteLength: number }[];
  /** Of the whole file. */
  readonly byteLength: number;
}

/** The header and order of a file: largest alignment first, then by name, as the reference implementation sorts. */
export function planSafetensors<T extends Described>(
  tensors: ReadonlyMap<string, T>,
  metadata: Readonly<Record<string, string>> | undefined,
): SafetensorsPlan<T> {
  const problems = metadataProblems(metadata ?? {});
  const rows: { name: string; tensor: T; dtype: SafetensorsDtype; byteLength: number }[] = [];
  for (const [name, tensor] of tensors) {
    const dtype = dtypeByName.get(tensor.dtype);
    const problem = nameProblem(name);
    if (problem !== undefined) problems.push(`${quoted(name)}: ${problem}`);
    if (dtype === undefined) {
      problems.push(
        `${quoted(name)}: dtype ${quoted(String(tensor.dtype))} is none of ${[...dtypeByName.keys()].join(', ')}`,
      );
      continue;
    }
    const badAxis = tensor.shape.findIndex((length) => !Number.isSafeInteger(length) || length < 0);
    const byteLength =
      badAxis >= 0
        ? `the shape has ${tensor.shape[badAxis]} on axis ${badAxis}`
        : byteLengthOf(tensor.shape, dtype.bits);
    if (typeof byteLength === 'string') problems.push(`${quoted(name)}: ${byteLength}`);
    else rows.push({ name, tensor, dtype, byteLength });
  }
  if (problems.length > 0) {
    throw new PeftError(
      'checkpoint/unwritable',
      `a safetensors file cannot hold what was given; change these:${problemList(problems)}`,
    );
  }
  rows.sort(
    (left, right) =>
      alignmentOrder(right.dtype) - alignmentOrder(left.dtype) || compareCodePoints(left.name, right.name),
  );
  const members = metadata === undefined ? [] : [`${JSON.stringify(metadataKey)}:${sortedObject(metadata)}`];
  let offset = 0;
  for (const { name, tensor, dtype, byteLength } of rows) {
    const entry = { dtype: dtype.code, shape: tensor.shape, data_offsets: [offset, offset + byteLength] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    offset += byteLength;
  }
  const header = encodeHeader(`{${members.join(',')}}`);
  return { header, tensors: rows, byteLength: header.byteLength + offset };
}

function encodeHeader(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil(text.byteLength / 8) * 8;
  if (padded > longestHeader) {
    throw new PeftError(
      'checkpoint/header-size',
      `the header would take ${padded} bytes, and ${longestHeader} is the most the format's readers accept; split the tensors over several files or shorten the metadata.`,
    );
  }
  const header = new Uint8Array(lengthBytes + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(text, lengthBytes);
  return header;
}

function sortedObject(metadata: Readonly<Record<string, string>>): string {
  const keys = Object.keys(metadata).sort(compareCodePoints);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`).join(',')}}`;
}

function metadataProblems(metadata: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(metadata).flatMap((key) => {
    const value = metadata[key];
    if (typeof value !== 'string') return [`metadata ${quoted(key)} is a ${typeof value}, and only texts are allowed`];
    return loneSurrogate.test(key + value) ? [`metadata ${quoted(key)} is not valid Unicode`] : [];
  });
}

const loneSurrogate = /\p{Surrogate}/u;

function nameProblem(name: string): string | undefined {
  if (name === metadataKey) return 'the format keeps this name for its metadata';
  return loneSurrogate.test(name) ? 'the name is not valid Unicode' : undefined;
}
