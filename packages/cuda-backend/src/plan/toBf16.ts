/** float32 numbers as bf16, to the nearest, ties to even; NaN stays NaN. */
export function toBf16(numbers: Float32Array): Uint16Array {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  const narrow = new Uint16Array(bits.length);
  for (let index = 0; index < bits.length; index++) {
    const each = bits[index] as number;
    const isNan = (each & 0x7fffffff) > 0x7f800000;
    narrow[index] = isNan ? (each >>> 16) | 0x40 : (each + 0x7fff + ((each >>> 16) & 1)) >>> 16;
  }
  return narrow;
}
