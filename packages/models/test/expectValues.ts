import { expectParity } from '@peft/parity';

/** Python computed in float64; what remains is float32's rounding here. */
const tolerance = 1e-5;

/** A whole tensor of Python's. */
export function expectValues(subject: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expectParity(subject, { actual, expected, tolerance });
}
