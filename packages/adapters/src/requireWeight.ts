import { PeftError } from '@peft/core';

/** Refuses what is no finite number. Throws `adapters/weight`. */
export function requireWeight(weight: unknown, what: string): asserts weight is number {
  if (typeof weight === 'number' && Number.isFinite(weight)) return;
  throw new PeftError('adapters/weight', `${what} is ${String(weight)}; it must be a finite number.`);
}
