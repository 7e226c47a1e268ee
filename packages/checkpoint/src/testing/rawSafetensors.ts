/** A file with exactly this header text (or bytes) and this many data bytes, valid or not. */
export function rawSafetensors(header: string | Uint8Array | object, dataLength = 0): Uint8Array {
  const text = typeof header === 'object' && !(header instanceof Uint8Array) ? JSON.stringify(header) : header;
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const file = new Uint8Array(8 + bytes.byteLength + dataLength);
  new DataView(file.buffer).setBigUint64(0, BigInt(bytes.byteLength), true);
  file.set(bytes, 8);
  return file;
}
