import type { KernelReference } from '../plan/command.ts';
import type { Kernel } from './driver.ts';

/** Which form of a kernel. */
export interface KernelForm {
  /** The twin that does the work of several launches (`nameMany`). */
  readonly many?: boolean;
  /** Bytes of dynamic shared memory of its launches. */
  readonly sharedBytes?: number;
}

/** The kernels of one device: found compiled (shipped, or in the cache) or compiled, and loaded once. */
export interface KernelLibrary {
  /** Makes kernels ready; those of one file, or of one generated text, in one compilation. */
  load(references: readonly KernelReference[]): Promise<void>;
  /** A kernel of what was loaded. */
  kernel(reference: KernelReference, form?: KernelForm): Kernel;
  /** Unloads all. */
  close(): void;
}
