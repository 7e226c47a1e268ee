import { expect, it } from 'vitest';
import { cLiteral } from './cLiteral.ts';

it('writes floats as float32 has them', () => {
  expect([0.1, 3, -2, -0, 1e-12, 1e30].map((each) => cLiteral(each, 'float'))).toEqual([
    '0.10000000149011612f',
    '3.0f',
    '(-2.0f)',
    '(-0.0f)',
    '9.999999960041972e-13f',
    '1.0000000150474662e+30f',
  ]);
  expect([Number.NaN, 1 / 0, -1 / 0].map((each) => cLiteral(each, 'float'))).toEqual([
    '__int_as_float(0x7fffffff)',
    '__int_as_float(0x7f800000)',
    '__int_as_float((i32)0xff800000u)',
  ]);
});

it('writes integers modulo 2^32', () => {
  expect([7, -7, 2 ** 31, 2 ** 32 + 1].map((each) => cLiteral(each, 'i32'))).toEqual([
    '7',
    '(-7)',
    '(-2147483647 - 1)',
    '1',
  ]);
});
