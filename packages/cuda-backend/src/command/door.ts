/** One way to the GPU, and what a machine has of what it needs. */
export interface Door {
  /** The function that opens it. */
  readonly name: 'tfjsGpu' | 'cudaEngine';
  /** Whether it computes on a GPU here. */
  readonly works: boolean;
  readonly findings: readonly Finding[];
  /** Why it does not work although its parts are there, and what TensorFlow's log says of libraries and devices. */
  readonly reasons?: readonly string[];
  /** What mends it: a command wherever one can; undefined where it works. */
  readonly remedy?: string;
}

/** A part that a door needs or uses. */
export interface Finding {
  readonly part: string;
  readonly isFound: boolean;
  /** Its version and place, or what was looked for. */
  readonly what: string;
}
