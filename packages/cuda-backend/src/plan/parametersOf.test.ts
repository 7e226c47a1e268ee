import { expect, it } from 'vitest';
import { type Argument, f32, i64, type ManyCommand, nothing, reads, structBytes, u32, writes } from './command.ts';
import type { Operand } from './operand.ts';
import { parametersOf, tableOf } from './parametersOf.ts';
import type { Region } from './region.ts';

const regionOf = (label: string): Region => ({ kind: 'arena', bytes: 64, label });
const [x, y, table] = [regionOf('x'), regionOf('y'), { ...regionOf('table'), kind: 'constant' as const }];
const addressOf = (region: Region) => ({ x: 0x1000n, y: 0x2000n, table: 0x3000n })[region.label] as bigint;
const operand = (region: Region, offset: number): Operand => ({
  shape: [4],
  dtype: 'float32',
  storage: 'f32',
  region,
  offset,
});

/** A number that takes four bytes, then one at the next eight. */
const list: readonly Argument[] = [reads(operand(x, 16)), u32(7), writes(operand(y, 0)), nothing, i64(-2), f32(0.5)];
const expected = [0x1010n, 7n, 0x2000n, 0n, BigInt.asUintN(64, -2n), 0x3f000000n];

const words = (bytes: Uint8Array) => [...new BigUint64Array(Uint8Array.from(bytes).buffer)];

it('lays out the struct of a launch, pointers at the place of their operands', () => {
  expect(words(parametersOf(list, addressOf).bytes)).toEqual(expected);
  expect(structBytes(list)).toBe(48);
  expect([structBytes([u32(1)]), structBytes([u32(1), f32(2), u32(3)]), structBytes([u32(1), nothing])]).toEqual([
    8, 16, 16,
  ]);
});

it('lays out the structs of a launch of several one after another, and the struct that points to them', () => {
  const many: ManyCommand = {
    kind: 'many',
    kernel: { file: 'f', name: 'k' },
    blocks: 3,
    threads: 32,
    entries: [list, [...list].toSpliced(1, 1, u32(9))],
    table: { ...table, bytes: 96 },
  };
  const { bytes, parameters } = tableOf(many, addressOf);
  expect(words(bytes)).toEqual([...expected, ...expected.toSpliced(1, 1, 9n)]);
  expect(words(parameters.bytes)).toEqual([0x3000n, 3n]);
});
