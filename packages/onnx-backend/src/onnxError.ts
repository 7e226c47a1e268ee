const marker = Symbol.for('@peft/error');

/** What this package throws. `code` names the kind (`onnx/library`); carries the marker of the project's errors. */
export class OnnxError extends Error {
  override readonly name: string = 'OnnxError';
  readonly [marker] = true;

  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
