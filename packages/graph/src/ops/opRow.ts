import type { OnnxWriter } from '../onnx/onnxWriter.ts';
import type { TensorType } from '../tensorType.ts';

/** A tensor on the host; `data` may be float64. */
export interface HostTensor extends TensorType {
  readonly data: ArrayLike<number>;
}

export interface ReferenceCall<Attributes> {
  readonly inputs: readonly HostTensor[];
  readonly attributes: Attributes;
  readonly outputs: readonly TensorType[];
}

export interface OnnxCall<Attributes> {
  readonly write: OnnxWriter;
  /** Names of the inputs' ONNX values. */
  readonly inputs: readonly string[];
  readonly types: readonly TensorType[];
  readonly attributes: Attributes;
  readonly outputs: readonly TensorType[];
}

/** Everything the package knows of one operation. */
export interface OpRow<Attributes> {
  /** Names of the kernel's inputs in order; 'list' where it takes any number. */
  readonly inputs: readonly string[] | 'list';
  /** Whether the last input may be missing. */
  readonly lastIsOptional?: true;
  /** 'list' where the kernel returns a list, even of one. */
  readonly outputs?: 'list';
  /** The kernel's attributes as tfjs passes them, made whole: defaults filled in, axes counted from the front. */
  readonly attributes?: (raw: Readonly<Record<string, unknown>>, inputs: readonly TensorType[]) => Attributes;
  readonly shape: (inputs: readonly TensorType[], attributes: Attributes) => readonly TensorType[];
  /** The values in plain loops, float64 inside: the oracle of every executor. */
  readonly reference: (call: ReferenceCall<Attributes>) => readonly ArrayLike<number>[];
  /** Writes the operation in ONNX's, and returns the names of its outputs. */
  readonly onnx: (call: OnnxCall<Attributes>) => readonly string[];
}

export type None = Readonly<Record<never, never>>;
