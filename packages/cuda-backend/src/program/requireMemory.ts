import { CudaError } from '../cudaError.ts';
import type { DeviceDescription } from '../device/driver.ts';
import { formatBytes } from '../device/formatBytes.ts';

/** What a function holds on the device, in bytes, and what of it is still to be allocated. */
export interface MemoryNeed {
  readonly weights: number;
  readonly state: number;
  /** Results of operations. */
  readonly arena: number;
  /** Inputs and outputs of a run. */
  readonly inputs: number;
  /** Tables and numbers of the plan, and the workspace of products. */
  readonly constants: number;
  readonly missing: number;
}

/**
 * Foretells whether a function fits on the device.
 *
 * @throws CudaError `cuda/out-of-memory` before anything is allocated, with what needs how much
 */
export function requireMemory(
  name: string,
  need: MemoryNeed,
  { device, free }: { readonly device: Pick<DeviceDescription, 'name' | 'memory'>; readonly free: number },
): void {
  if (need.missing <= free) return;
  const { weights, state, arena, inputs, constants } = need;
  const parts = [
    `weights ${formatBytes(weights)}`,
    `state ${formatBytes(state)}`,
    `results of operations ${formatBytes(arena)}`,
    `inputs and outputs ${formatBytes(inputs)}`,
    `tables and workspace ${formatBytes(constants)}`,
  ];
  throw new CudaError(
    'cuda/out-of-memory',
    `"${name}" does not fit on ${device.name}: ${parts.join(', ')}; ${formatBytes(need.missing)} of that are not there yet, and ${formatBytes(free)} of ${formatBytes(device.memory)} are free. Make batches smaller, pass a memoryBudget, or end other programs that use the device.`,
  );
}
