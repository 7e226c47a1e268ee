import { PeftError } from './error.ts';

/** @throws PeftError `seed/count-invalid` unless `count` is an integer from 0 to 2^31 - 1. */
export function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 0 || count > 0x7fffffff) {
    throw new PeftError(
      'seed/count-invalid',
      `cannot draw ${count} random values; ask for an integer from 0 to 2147483647.`,
    );
  }
}
