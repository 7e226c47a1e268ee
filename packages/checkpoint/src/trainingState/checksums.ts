import type { HostArray } from '@peft/core';
import { crc32 } from './crc32.ts';

/** CRC-32 of a text's UTF-8 bytes, as eight hexadecimal digits. */
export function textChecksum(text: string): string {
  return hexadecimal(crc32(new TextEncoder().encode(text)));
}

/** CRC-32 of an array's dtype, shape and stored bytes, as eight hexadecimal digits. */
export function arrayChecksum({ dtype, shape, data }: HostArray): string {
  const head = new TextEncoder().encode(`${dtype} [${shape}]`);
  return hexadecimal(crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), crc32(head)));
}

function hexadecimal(value: number): string {
  return value.toString(16).padStart(8, '0');
}
