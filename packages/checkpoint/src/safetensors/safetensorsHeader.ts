import { kindOf, PeftError } from '@peft/core';
import { type ByteSource, readRange } from '../byteSource.ts';
import { isRecord, parseJson } from '../parseJson.ts';
import { problemList, quoted } from '../problemList.ts';
import { checkLayout } from './checkLayout.ts';
import { parseTensorEntry, type TensorEntry } from './tensorEntry.ts';

/** Longest header the reference implementation reads and writes, in bytes. */
export const longestHeader = 100_000_000;
export const lengthBytes = 8;
export const metadataKey = '__metadata__';

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their bytes in the file. */
  readonly entries: readonly TensorEntry[];
  /** Offset in the file at which the tensors' own offsets begin. */
  readonly dataStart: number;
}

/** Reads and checks a whole header, and no byte of a tensor. Every code it throws is in the package README. */
export async function readSafetensorsHeader(source: ByteSource): Promise<SafetensorsHeader> {
  const length = await readHeaderLength(source);
  const dataStart = lengthBytes + length;
  const header = parseJson(`${source.name}: the header`, await readRange(source, lengthBytes, length));
  const metadata = parseMetadata(source.name, header[metadataKey]);
  const problems: string[] = [];
  const entries: TensorEntry[] = [];
  for (const name of Object.keys(header)) {
    if (name === metadataKey) continue;
    const entry = parseTensorEntry(name, header[name]);
    if (typeof entry === 'string') problems.push(`${quoted(name)}: ${entry}`);
    else entries.push(entry);
  }
  if (problems.length > 0) {
    throw new PeftError(
      'checkpoint/tensor-entry',
      `${source.name}: the header describes ${problems.length} of ${problems.length + entries.length} tensors wrongly; the program that wrote the file is at fault or the file is damaged, write or fetch it again:${problemList(problems)}`,
    );
  }
  return { metadata, entries: checkLayout(source.name, entries, source.size - dataStart), dataStart };
}

async function readHeaderLength(source: ByteSource): Promise<number> {
  if (source.size < lengthBytes) {
    throw new PeftError(
      'checkpoint/truncated',
      `${source.name}: the file holds ${source.size} bytes, and the length of the header alone takes ${lengthBytes}; fetch or copy the file again.`,
    );
  }
  const bytes = await readRange(source, 0, lengthBytes);
  const length = new DataView(bytes.buffer, bytes.byteOffset, lengthBytes).getBigUint64(0, true);
  if (length > BigInt(longestHeader)) {
    refuseOtherFormats(source.name, bytes);
    throw new PeftError(
      'checkpoint/header-size',
      `${source.name}: the header claims ${length} bytes, and ${longestHeader} is the most the format's readers accept; this is no safetensors file or it is damaged, fetch it again.`,
    );
  }
  if (Number(length) > source.size - lengthBytes) {
    throw new PeftError(
      'checkpoint/truncated',
      `${source.name}: the header claims ${length} bytes, and ${source.size - lengthBytes} follow its length; the copy is incomplete or damaged, fetch the file again.`,
    );
  }
  return Number(length);
}

function refuseOtherFormats(file: string, bytes: Uint8Array): void {
  const start = String.fromCharCode(...bytes);
  if (start === 'version ') {
    throw new PeftError(
      'checkpoint/not-safetensors',
      `${file}: this is a Git LFS pointer and not the file itself; run "git lfs pull" in the folder it came from.`,
    );
  }
  if (start.startsWith('PK\u0003\u0004') || start.startsWith('\u0080\u0002')) {
    throw new PeftError(
      'checkpoint/not-safetensors',
      `${file}: this is a PyTorch pickle file, which can run code when it is read and is refused; convert it in Python with safetensors.torch.save_file.`,
    );
  }
}

function parseMetadata(file: string, value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isRecord(value)) {
    throw new PeftError(
      'checkpoint/metadata',
      `${file}: ${metadataKey} is ${kindOf(value)}, and an object of texts is expected; write the file again.`,
    );
  }
  const wrong = Object.keys(value).filter((key) => typeof value[key] !== 'string');
  if (wrong.length > 0) {
    throw new PeftError(
      'checkpoint/metadata',
      `${file}: ${metadataKey} may hold texts only; write the file again with these as texts:${problemList(wrong.map((key) => `${quoted(key)} is ${kindOf(value[key])}`))}`,
    );
  }
  return value as Readonly<Record<string, string>>;
}
