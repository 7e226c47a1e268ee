import { fold, type Seed } from '@peft/core';
import { permutation } from '@peft/ops';
import type { Digit } from './digits.ts';

/** Rows that no other part has. */
export type Split = Readonly<Record<'train' | 'validation' | 'test', readonly Digit[]>>;

export type SplitOptions = {
  /** The lowest digit taken, of five. */
  readonly from: number;
  readonly seed: Seed;
};

const validationShare = 0.15;
const testShare = 0.25;

/** Five digits in a row, each divided 60 : 15 : 25 in an order fixed by the seed. */
export function splitDigits(digits: readonly Digit[], { from, seed }: SplitOptions): Split {
  const split: Record<keyof Split, Digit[]> = { train: [], validation: [], test: [] };
  for (let digit = from; digit < from + 5; digit++) {
    const rows = digits.filter((row) => row.digit === digit);
    const order = [...permutation(fold(seed, `digit ${digit}`), rows.length)].map((index) => rows[index] as Digit);
    const tested = Math.round(rows.length * testShare);
    const validated = tested + Math.round(rows.length * validationShare);
    split.test.push(...order.slice(0, tested));
    split.validation.push(...order.slice(tested, validated));
    split.train.push(...order.slice(validated));
  }
  return split;
}
