import type { TensorType, TypedArray } from '@peft/graph';

/** One input or output of a model. */
export interface Port extends TensorType {
  readonly onnxName: string;
  /** The arrays bound to it are never written: what changes is bound again as a new array. */
  readonly isFrozen?: boolean;
}

/** An ONNX model of known shapes, and the order in which its inputs and outputs are handed over. */
export interface Model {
  readonly bytes: Uint8Array;
  readonly feeds: readonly Port[];
  readonly results: readonly Port[];
}

/** A way to run ONNX models on this machine. */
export interface Runtime {
  readonly name: string;
  /** Of ONNX Runtime. */
  readonly version: string;
  readonly threads: number;
  open(model: Model): Promise<Session>;
}

/** A model made ready. */
export interface Session {
  /** Ties arrays to the ports, in their order; runs read and write them in place. They may be shared between bindings. */
  bind(feeds: readonly TypedArray[], results: readonly TypedArray[]): Binding;
  /** Frees the session once its bindings are released. */
  release(): void;
}

/** A session and the arrays it works on. */
export interface Binding {
  run(): Promise<void>;
  /** Lets go of the arrays; not while a run is in flight. */
  release(): void;
}
