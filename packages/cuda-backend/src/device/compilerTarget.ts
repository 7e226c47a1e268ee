/** What a compiler is asked to make for a device: code of its architecture, or text that the driver compiles further. */
export interface CompilerTarget {
  /** As `--gpu-architecture` takes it: `sm_90a`. */
  readonly architecture: string;
  readonly format: 'cubin' | 'ptx';
}

/** The target for a device among the architectures that a compiler knows, ascending. */
export function compilerTarget(architecture: number, known: readonly number[]): CompilerTarget {
  const best = known.findLast((each) => each <= architecture);
  if (best === architecture || best === undefined) return { architecture: nameOf(architecture), format: 'cubin' };
  // Code runs on later devices of its generation; text on all later ones.
  const isSameGeneration = Math.floor(best / 10) === Math.floor(architecture / 10);
  return isSameGeneration
    ? { architecture: `sm_${best}`, format: 'cubin' }
    : { architecture: `compute_${best}`, format: 'ptx' };
}

// All devices of 9.0 have the instructions that exist on 9.0 alone.
function nameOf(architecture: number): string {
  return architecture === 90 ? 'sm_90a' : `sm_${architecture}`;
}
