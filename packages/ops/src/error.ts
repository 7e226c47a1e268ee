import { sayable } from './sayable.ts';

const marker = Symbol.for('@peft/error');

/**
 * The one error class of the project. `code` names the kind (`target/none-matched`, `train/not-finite`);
 * the message says what is wrong with which value, where, and what to do; what it quotes is made harmless.
 */
export class PeftError extends Error {
  override readonly name: string = 'PeftError';
  readonly [marker] = true;

  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(sayable(message), options);
  }
}

/** True for errors of any copy of this package, where `instanceof` would see only its own. */
export function isPeftError(error: unknown): error is PeftError {
  return typeof error === 'object' && error !== null && marker in error;
}
