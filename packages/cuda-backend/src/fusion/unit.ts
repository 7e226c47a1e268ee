import type { Value } from '@peft/graph';
import type { Step } from '../lowering/step.ts';
import type { FusedKernel } from './fusedKernel.ts';

/** What runs as one: a step, or steps that a kernel was made of. */
export interface Unit {
  /** Places of its steps among all, ascending. */
  readonly places: readonly number[];
  readonly steps: readonly Step[];
  readonly kernel: FusedKernel | undefined;
}

/** Values that a unit reads from memory. */
export function readsOf({ steps, kernel }: Unit): readonly Value[] {
  return kernel ? kernel.loads : (steps[0] as Step).inputs;
}

export function outputsOf({ steps }: Unit): readonly Value[] {
  return steps.flatMap(({ outputs }) => outputs);
}
