type Native = { readonly crc32?: (bytes: Uint8Array, start: number) => number };

/** Table k holds what a byte adds that k further bytes follow, so that eight bytes take one round (Kounavis and Berry 2005). */
const tables = /* @__PURE__ */ makeTables();

/** CRC-32 as zip, PNG and Python's zlib compute it, from 0 to 2^32 - 1; `start` is that of the bytes before these. */
export function crc32(bytes: Uint8Array, start = 0): number {
  // That of zlib takes no bytes in memory of no size for a call to begin anew.
  if (bytes.length === 0) return start;
  // Node has one of its own from 20.15 on; other runtimes may not.
  const native = (globalThis.process?.getBuiltinModule?.('node:zlib') as Native | undefined)?.crc32;
  return native ? native(bytes, start) : portableCrc32(bytes, start);
}

/** The same without Node. */
export function portableCrc32(bytes: Uint8Array, start = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let crc = ~start;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    const low = view.getInt32(at, true) ^ crc;
    const high = view.getInt32(at + 4, true);
    crc =
      entry(t7, low) ^
      entry(t6, low >>> 8) ^
      entry(t5, low >>> 16) ^
      entry(t4, low >>> 24) ^
      entry(t3, high) ^
      entry(t2, high >>> 8) ^
      entry(t1, high >>> 16) ^
      entry(t0, high >>> 24);
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ entry(t0, crc ^ (bytes[at] as number));
  return ~crc >>> 0;
}

function entry(table: Int32Array, index: number): number {
  return table[index & 255] as number;
}

type Tables = readonly [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];

function makeTables(): Tables {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    return crc;
  });
  const all = [first];
  for (let last = first; all.length < 8; all.push(last)) last = last.map((crc) => (crc >>> 8) ^ entry(first, crc));
  return all as unknown as Tables;
}
