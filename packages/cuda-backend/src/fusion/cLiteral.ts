import type { TermType } from './term.ts';

/** C++ of a number, to stand anywhere in an expression. */
export function cLiteral(number: number, type: TermType): string {
  if (type === 'i32') {
    const whole = number | 0;
    // C++ has no literal of the least int32.
    if (whole === -(2 ** 31)) return '(-2147483647 - 1)';
    return whole < 0 ? `(${whole})` : `${whole}`;
  }
  const value = Math.fround(number);
  if (Number.isNaN(value)) return '__int_as_float(0x7fffffff)';
  if (!Number.isFinite(value)) return `__int_as_float(${value > 0 ? '0x7f800000' : '(i32)0xff800000u'})`;
  const digits = Object.is(value, -0) ? '-0' : `${value}`;
  const text = `${/[.e]/.test(digits) ? digits : `${digits}.0`}f`;
  return text.startsWith('-') ? `(${text})` : text;
}
