const marker = Symbol.for('@peft/error');

/** What this package throws. `code` names the kind (`cuda/library`); carries the marker of the project's errors. */
export class CudaError extends Error {
  override readonly name: string = 'CudaError';
  readonly [marker] = true;

  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
