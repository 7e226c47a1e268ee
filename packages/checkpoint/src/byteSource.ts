import { PeftError } from '@peft/core';

/** Bytes read by range: a file, a Blob, memory, or anything a caller writes (an HTTP range reader, say). */
export interface ByteSource {
  /** What messages call it; usually the file name. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`, in memory that the caller owns from then on. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A source over bytes in memory or over a Blob or File, which is read range by range. */
export function byteSource(name: string, content: Uint8Array | Blob): ByteSource {
  if (content instanceof Uint8Array) {
    return {
      name,
      size: content.byteLength,
      // A Node Buffer's own slice() would share memory.
      read: async (offset, length) => new Uint8Array(content.subarray(offset, offset + length)),
    };
  }
  return {
    name,
    size: content.size,
    read: async (offset, length) => new Uint8Array(await content.slice(offset, offset + length).arrayBuffer()),
  };
}

/** Reads a range after checking that the source has it; throws `checkpoint/truncated` when fewer bytes come back. */
export async function readRange(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  if (offset + length > source.size) {
    throw new PeftError(
      'checkpoint/truncated',
      `${source.name}: bytes ${offset} to ${offset + length} were asked for, and the file holds ${source.size}; fetch or copy the file again.`,
    );
  }
  const bytes = await source.read(offset, length);
  if (bytes.byteLength !== length) {
    throw new PeftError(
      'checkpoint/truncated',
      `${source.name}: ${length} bytes were read at ${offset} and ${bytes.byteLength} came back; the file became shorter while it was read, open it again.`,
    );
  }
  return bytes;
}
