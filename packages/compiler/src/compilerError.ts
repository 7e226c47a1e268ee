const marker = Symbol.for('@peft/error');

/** What this package throws. `code` names the kind (`compiler/state`); carries the marker of the project's errors. */
export class CompilerError extends Error {
  override readonly name: string = 'CompilerError';
  readonly [marker] = true;

  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
