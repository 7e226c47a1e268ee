/** float16 bits to float32, exactly. */
export function widenFloat16(bits: Uint16Array): Float32Array {
  float16Table ??= Float32Array.from({ length: 65536 }, (_, code) =>
    decode(code, { exponentBits: 5, mantissaBits: 10, hasInfinity: true }),
  );
  return lookUp(bits, float16Table);
}

/** bfloat16 bits to float32, exactly. */
export function widenBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = (bits[i] as number) << 16;
  return new Float32Array(words.buffer);
}

/** float8 E4M3 (finite: no infinities, one NaN per sign) to float32, exactly. */
export function widenFloat8e4m3(bits: Uint8Array): Float32Array {
  e4m3Table ??= Float32Array.from({ length: 256 }, (_, code) =>
    (code & 0x7f) === 0x7f ? Number.NaN : decode(code, { exponentBits: 4, mantissaBits: 3, hasInfinity: false }),
  );
  return lookUp(bits, e4m3Table);
}

/** float8 E5M2 to float32, exactly. */
export function widenFloat8e5m2(bits: Uint8Array): Float32Array {
  e5m2Table ??= Float32Array.from({ length: 256 }, (_, code) =>
    decode(code, { exponentBits: 5, mantissaBits: 2, hasInfinity: true }),
  );
  return lookUp(bits, e5m2Table);
}

let float16Table: Float32Array | undefined;
let e4m3Table: Float32Array | undefined;
let e5m2Table: Float32Array | undefined;

function lookUp(bits: Uint16Array | Uint8Array, table: Float32Array): Float32Array {
  const wide = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = table[bits[i] as number] as number;
  return wide;
}

type Layout = { readonly exponentBits: number; readonly mantissaBits: number; readonly hasInfinity: boolean };

function decode(code: number, { exponentBits, mantissaBits, hasInfinity }: Layout): number {
  const sign = code >> (exponentBits + mantissaBits) ? -1 : 1;
  const top = (1 << exponentBits) - 1;
  const exponent = (code >> mantissaBits) & top;
  const mantissa = code & ((1 << mantissaBits) - 1);
  const bias = (1 << (exponentBits - 1)) - 1;
  if (exponent === top && hasInfinity) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  const fraction = mantissa / (1 << mantissaBits);
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}
