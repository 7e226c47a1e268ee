import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32, portableCrc32 } from './crc32.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** One bit after another, from the definition. */
function bitByBit(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

it.each([crc32, portableCrc32])('gives the check value of the standard, and that of no byte', (checksum) => {
  expect(checksum(bytes('123456789'))).toBe(0xcbf43926);
  expect(checksum(bytes(''))).toBe(0);
});

it('of no byte after others is theirs, whatever the memory of the no byte', () => {
  for (const none of [new Uint8Array(0), new Uint8Array(new Float32Array(0).buffer, 0, 0), bytes('x').subarray(1)]) {
    expect([crc32(none, 5), portableCrc32(none, 5)]).toEqual([5, 5]);
  }
});

it('equals the definition at every length and offset, also in two pieces', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(9), fc.nat(70), (data, offset, cut) => {
      const wanted = bitByBit(data);
      const moved = new Uint8Array(data.length + offset);
      moved.set(data, offset);
      const view = moved.subarray(offset);
      expect([crc32(view), portableCrc32(view)]).toEqual([wanted, wanted]);
      expect(crc32(view.subarray(cut), crc32(view.subarray(0, cut)))).toBe(wanted);
      expect(portableCrc32(view.subarray(cut), portableCrc32(view.subarray(0, cut)))).toBe(wanted);
    }),
    { numRuns: 300, seed: 20261122 },
  );
});
