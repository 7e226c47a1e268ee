import { type Argument, i32 } from '../../plan/command.ts';
import { denseSteps } from '../layout/denseSteps.ts';

const mostAxes = 8;

/** What a `Places` of `kernels/lookup.cu` needs to find tuples of ids among the leading axes of a tensor. */
export function tuplePlaces(leading: readonly number[]): readonly Argument[] {
  const eight = (numbers: readonly number[]) => Array.from({ length: mostAxes }, (_, axis) => i32(numbers[axis] ?? 0));
  return [...eight(denseSteps(leading)), ...eight(leading), i32(leading.length)];
}
