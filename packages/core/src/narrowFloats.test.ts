import { describe, expect, it } from 'vitest';
import { widenBfloat16, widenFloat8e4m3, widenFloat8e5m2, widenFloat16 } from './narrowFloats.ts';

/** IEEE 754 by its definition, read from the bits as text: sign, exponent, fraction, without shifts or tables. */
function byDefinition(code: number, exponentBits: number, fractionBits: number): number {
  const bits = code.toString(2).padStart(1 + exponentBits + fractionBits, '0');
  const sign = bits[0] === '1' ? -1 : 1;
  const exponent = Number.parseInt(bits.slice(1, 1 + exponentBits), 2);
  const fraction = [...bits.slice(1 + exponentBits)].reduce((sum, bit, i) => sum + Number(bit) / 2 ** (i + 1), 0);
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const codes = (count: number) => Array.from({ length: count }, (_, code) => code);

/** Fails at the first code whose value differs; -0 and 0 are different values. */
function requireSame(actual: Float32Array, expected: (code: number) => number) {
  const wrong = actual.findIndex((value, code) => !Object.is(value, expected(code)));
  expect(wrong < 0 ? 'none' : `code ${wrong}: ${actual[wrong]} instead of ${expected(wrong)}`).toBe('none');
}

describe('widening to float32', () => {
  it('is exact for all 65,536 float16 patterns', () => {
    requireSame(widenFloat16(Uint16Array.from(codes(65536))), (code) => byDefinition(code, 5, 10));
  });

  it('is exact for all 65,536 bfloat16 patterns', () => {
    requireSame(widenBfloat16(Uint16Array.from(codes(65536))), (code) => byDefinition(code, 8, 7));
  });

  it('is exact for all 256 float8 E5M2 patterns', () => {
    requireSame(widenFloat8e5m2(Uint8Array.from(codes(256))), (code) => byDefinition(code, 5, 2));
  });

  it('is exact for all 256 float8 E4M3 patterns, which have no infinity and one NaN of each sign', () => {
    const sevenBits = (code: number) => code % 128;
    requireSame(widenFloat8e4m3(Uint8Array.from(codes(256))), (code) => {
      if (sevenBits(code) === 127) return Number.NaN;
      // Exponent 15 is an ordinary one here: 1.75 * 2 ** 8 is the largest value.
      if (sevenBits(code) >= 120) return (code >= 128 ? -1 : 1) * (1 + (code % 8) / 8) * 2 ** 8;
      return byDefinition(code, 4, 3);
    });
    expect(widenFloat8e4m3(Uint8Array.of(0x7e, 0x01))).toEqual(Float32Array.of(448, 2 ** -9));
  });

  it('reads known values', () => {
    expect(widenFloat16(Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555))).toEqual(
      Float32Array.of(1, -2, 65504, 2 ** -24, 0.333251953125),
    );
    expect(widenBfloat16(Uint16Array.of(0x3f80, 0x4049))).toEqual(Float32Array.of(1, 3.140625));
  });
});
