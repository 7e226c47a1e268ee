/** float32 numbers as bf16, to the nearest, ties to even; NaN stays NaN. */
export function toBf16(numbers: Float32Array): Uint16Array {
  const bits = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
  return Uint16Array.from(bits, (each, index) => {
    if (Number.isNaN(numbers[index])) return (each >>> 16) | 0x40;
    return (each + 0x7fff + ((each >>> 16) & 1)) >>> 16;
  });
}
