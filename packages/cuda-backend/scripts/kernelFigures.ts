/** What the assembler says of one kernel. */
export interface KernelFigures {
  readonly registers: number;
  /** Bytes that a thread writes to memory for lack of registers. */
  readonly spilled: number;
  /** Bytes of shared memory that the kernel declares itself. */
  readonly shared: number;
}

/** Reads the figures of every kernel from the log of a compilation with `-Xptxas=-v`. */
export function figuresOf(log: string): Record<string, KernelFigures> {
  const figures: Record<string, KernelFigures> = {};
  for (const part of log.split("Compiling entry function '").slice(1)) {
    const name = part.slice(0, part.indexOf("'"));
    const number = (pattern: RegExp) => Number(part.match(pattern)?.[1] ?? 0);
    figures[name] = {
      registers: number(/Used (\d+) registers/),
      spilled: number(/(\d+) bytes spill stores/),
      shared: number(/(\d+) bytes smem/),
    };
  }
  return figures;
}

/** A line for every kernel that spills, of `figures` by file and architecture. */
export function spillLines(
  figures: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, KernelFigures>>>>>>,
): string[] {
  return Object.entries(figures).flatMap(([file, byArchitecture]) =>
    Object.entries(byArchitecture).flatMap(([architecture, kernels]) =>
      Object.entries(kernels)
        .filter(([, { spilled }]) => spilled > 0)
        .map(
          ([name, { spilled, registers }]) =>
            `  ${file} sm_${architecture} ${name}: ${spilled} bytes, ${registers} registers`,
        ),
    ),
  );
}
