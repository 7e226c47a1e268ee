import { crc32, deflateRawSync } from 'node:zlib';

/** A zip archive of these files; `wide` writes sizes and places as archives of 4 GiB and more do. */
export function zipOf(files: Readonly<Record<string, string>>, { wide = false } = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text);
    const isDeflated = content.length > 8;
    const packed = isDeflated ? deflateRawSync(content) : content;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(Buffer.byteLength(name), 26);
    local.writeUInt16LE(4, 28);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(isDeflated ? 8 : 0, 10);
    central.writeUInt32LE(crc32(content), 16);
    for (const [field, value] of [
      [20, packed.length],
      [24, content.length],
      [42, offset],
    ] as const) {
      central.writeUInt32LE(wide ? 0xffffffff : value, field);
    }
    const extra = wide ? wideExtra([content.length, packed.length, offset]) : Buffer.alloc(0);
    central.writeUInt16LE(Buffer.byteLength(name), 28);
    central.writeUInt16LE(extra.length, 30);
    directory.push(central, Buffer.from(name), extra);
    // Some bytes of extra in the local header, of another length than the directory's.
    parts.push(local, Buffer.from(name), Buffer.alloc(4), packed);
    offset += 34 + Buffer.byteLength(name) + packed.length;
  }
  const bytes = directory.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([...parts, ...directory, ...(wide ? wideEnd(offset, bytes) : []), endOf(offset, bytes, wide)]);
}

function wideExtra(values: readonly number[]): Buffer {
  // An extra field of another kind comes first.
  const extra = Buffer.alloc(8 + 4 + 24);
  extra.writeUInt16LE(0x5455, 0);
  extra.writeUInt16LE(4, 2);
  extra.writeUInt16LE(1, 8);
  extra.writeUInt16LE(24, 10);
  for (const [i, value] of values.entries()) extra.writeBigUInt64LE(BigInt(value), 12 + 8 * i);
  return extra;
}

function wideEnd(start: number, bytes: number): Buffer[] {
  const [record, locator] = [Buffer.alloc(56), Buffer.alloc(20)];
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(BigInt(bytes), 40);
  record.writeBigUInt64LE(BigInt(start), 48);
  locator.writeUInt32LE(0x07064b50, 0);
  return [record, locator];
}

function endOf(start: number, bytes: number, wide: boolean): Buffer {
  const comment = Buffer.from('a comment');
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(bytes, 12);
  end.writeUInt32LE(wide ? 0xffffffff : start, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([end, comment]);
}
