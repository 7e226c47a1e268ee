import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';

/** A file in a zip archive. */
export interface ZipEntry {
  readonly name: string;
  readonly bytes: number;
  readonly compressedBytes: number;
  readonly isDeflated: boolean;
  readonly crc: number;
  readonly offset: number;
}

const endSignature = 0x06054b50;
const wideEndSignature = 0x06064b50;
const endBytes = 22;
const longestComment = 0xffff;
const wide = 0xffffffff;

/** Names and places of all files in an archive. @throws Error that says how it is damaged */
export async function readZip(archive: string): Promise<readonly ZipEntry[]> {
  return withFile(archive, readDirectory);
}

async function readDirectory(file: FileHandle): Promise<readonly ZipEntry[]> {
  const { size } = await file.stat();
  const tail = await readBytes(file, { start: Math.max(0, size - longestComment - endBytes - 76), end: size });
  let end = tail.length - endBytes;
  while (end >= 0 && tail.readUInt32LE(end) !== endSignature) end--;
  if (end < 0) throw new Error('it is no zip archive, or cut short');
  const [start, bytes] = directoryPlace(tail, end);
  const directory = await readBytes(file, { start, end: start + bytes });
  const entries: ZipEntry[] = [];
  for (let at = 0; at < directory.length; ) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field));
    const next = at + 46 + (nameBytes as number) + (extraBytes as number) + (commentBytes as number);
    entries.push(readEntry(directory.subarray(at, next), nameBytes as number, extraBytes as number));
    at = next;
  }
  return entries;
}

// Archives of 4 GiB and more keep the place in a wider record, right before the locator of 20 bytes that precedes the end.
function directoryPlace(tail: Buffer, end: number): readonly [start: number, bytes: number] {
  const [bytes, start] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  if (start !== wide && bytes !== wide) return [start, bytes];
  const record = end - 76;
  if (record < 0 || tail.readUInt32LE(record) !== wideEndSignature) throw new Error('its directory is damaged');
  return [Number(tail.readBigUInt64LE(record + 48)), Number(tail.readBigUInt64LE(record + 40))];
}

function readEntry(record: Buffer, nameBytes: number, extraBytes: number): ZipEntry {
  const method = record.readUInt16LE(10);
  const name = record.toString('utf8', 46, 46 + nameBytes);
  if (method !== 0 && method !== 8) throw new Error(`${name} is compressed by method ${method}`);
  if (name.split('/').includes('..') || name.startsWith('/')) throw new Error(`${name} leads out of the archive`);
  const [compressedBytes, bytes, offset] = [20, 24, 42].map((field) => record.readUInt32LE(field));
  const fields = { bytes, compressedBytes, offset } as { bytes: number; compressedBytes: number; offset: number };
  const extra = record.subarray(46 + nameBytes, 46 + nameBytes + extraBytes);
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    let place = at + 4;
    for (const field of ['bytes', 'compressedBytes', 'offset'] as const) {
      if (fields[field] !== wide) continue;
      fields[field] = Number(extra.readBigUInt64LE(place));
      place += 8;
    }
  }
  return { name, isDeflated: method === 8, crc: record.readUInt32LE(16), ...fields };
}

/** Writes a file of an archive below a folder. @throws Error that says how it is damaged */
export async function extractZip(archive: string, entry: ZipEntry, folder: string): Promise<void> {
  const path = join(folder, entry.name);
  await mkdir(dirname(path), { recursive: true });
  const header = await withFile(archive, (file) => readBytes(file, { start: entry.offset, end: entry.offset + 30 }));
  const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  let [crc, bytes] = [0, 0];
  const check = new Transform({
    transform(part: Buffer, _encoding, done) {
      crc = crc32(part, crc);
      bytes += part.length;
      done(null, part);
    },
  });
  if (entry.compressedBytes > 0) {
    const source = createReadStream(archive, { start, end: start + entry.compressedBytes - 1 });
    const target = createWriteStream(path);
    await (entry.isDeflated ? pipeline(source, createInflateRaw(), check, target) : pipeline(source, check, target));
  } else {
    await (await open(path, 'w')).close();
  }
  if (bytes !== entry.bytes || crc !== entry.crc) throw new Error(`${entry.name} in it is damaged`);
}

async function readBytes(file: FileHandle, { start, end }: { readonly start: number; readonly end: number }) {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
  if (bytesRead !== end - start) throw new Error('it is cut short');
  return buffer;
}

async function withFile<Result>(path: string, use: (file: FileHandle) => Promise<Result>): Promise<Result> {
  const file = await open(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
