import { fold, type Seed } from '@peft/core';
import { type Digit, side } from './digits.ts';

/** Half of the digits, as the seed draws, moved one pixel to the left or the right; paper comes in at the edge. */
export function shiftDigits(digits: readonly Digit[], seed: Seed): readonly Digit[] {
  return digits.map((row, index) => {
    const draw = fold(seed, index) % 4;
    const right = draw < 2 ? 2 * draw - 1 : 0;
    const ink = row.ink.map((_, pixel) => {
      const column = (pixel % side) - right;
      return column >= 0 && column < side ? (row.ink[pixel - right] ?? 0) : 0;
    });
    return { ...row, ink };
  });
}
