export interface CompileRequest {
  /** What errors call the text: `norm.cu`. */
  readonly name: string;
  /** Compute capability of the device: 90 for 9.0. */
  readonly architecture: number;
  /** Options after those that every text is compiled with. */
  readonly options?: readonly string[];
}

export interface Compiled {
  /** What `Driver.loadModule` takes. */
  readonly image: Uint8Array;
  /** What the compiler says beside its result. */
  readonly log: string;
}

/** Makes images of the text of kernels. */
export interface Compiler {
  /** Name and version: an image of another compiler is another image. */
  readonly version: string;
  /** The options of a request, in full: equal texts and options give equal images. */
  optionsOf(request: CompileRequest): readonly string[];
  /** @throws CudaError `cuda/compile` with the compiler's log, in which lines are those of the kernel files */
  compile(text: string, request: CompileRequest): Promise<Compiled>;
}
