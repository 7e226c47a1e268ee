const marker = Symbol.for('@peft/error');

/** What this package throws. `code` names the kind (`graph/value-read`); carries the marker of the project's errors. */
export class GraphError extends Error {
  override readonly name: string = 'GraphError';
  readonly [marker] = true;

  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
