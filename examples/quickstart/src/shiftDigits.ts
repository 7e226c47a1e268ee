import { fold, type Seed } from '@peft/core';
import { type Digit, side } from './digits.ts';

/** Every digit moved by at most one pixel up, down, left or right, or diagonally, as the seed draws; paper comes in at the edge. */
export function shiftDigits(digits: readonly Digit[], seed: Seed): readonly Digit[] {
  return digits.map(({ ink, digit }, index) => {
    const draw = fold(seed, index) % 9;
    const down = Math.floor(draw / 3) - 1;
    const right = (draw % 3) - 1;
    const moved = ink.map((_, pixel) => {
      const row = Math.floor(pixel / side) - down;
      const column = (pixel % side) - right;
      const isInside = row >= 0 && row < side && column >= 0 && column < side;
      return isInside ? (ink[row * side + column] ?? 0) : 0;
    });
    return { ink: moved, digit };
  });
}
