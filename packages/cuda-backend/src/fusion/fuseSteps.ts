import { createHash } from 'node:crypto';
import type { Value } from '@peft/graph';
import { CudaError } from '../cudaError.ts';
import type { DeviceDescription } from '../device/driver.ts';
import { elementLaunch, packsOf } from '../lowering/elementLaunch.ts';
import type { Step, StepPass } from '../lowering/step.ts';
import { i64, type KernelReference, reads, writes } from '../plan/command.ts';
import type { FusedKernel } from './fusedKernel.ts';
import { StepGroups } from './groupSteps.ts';
import type { Unit } from './unit.ts';

/**
 * Operations on elements, rows' sums and norms that follow one another as one generated kernel each: what is read only
 * inside has no memory. All kernels of a call are one text.
 */
export const fuseSteps: StepPass = (steps, context) => {
  const groups = new StepGroups(steps, context);
  groups.join();
  const units = groups.finish().map((unit) => ({ unit, written: unit.kernel?.write() }));
  const texts = new Map(units.flatMap(({ written }) => (written ? [[written.name, written.text] as const] : [])));
  const source = ['#include "fused.cuh"', ...texts.values()].join('\n');
  const file = `fused-${createHash('sha256').update(source).digest('hex').slice(0, 16)}`;
  return units.map(({ unit, written }) => {
    if (!unit.kernel || !written) return unit.steps[0] as Step;
    const reference = { file, name: written.name, source };
    return fusedStep(unit, unit.kernel, { storageOf: context.storageOf, reference });
  });
};

interface Fused {
  readonly storageOf: (value: Value) => string;
  readonly reference: KernelReference;
}

function fusedStep({ steps }: Unit, kernel: FusedKernel, { storageOf, reference }: Fused): Step {
  const [first, ...rest] = steps as readonly [Step, ...Step[]];
  const outputs = kernel.stores.map(({ value }) => value);
  const label = rest.length === 0 ? first.label : `${first.label} with ${rest.map((step) => step.label).join(', ')}`;
  const inPlace = kernel.isOwn.flatMap((isOwn, place) => (isOwn ? [place] : []));
  return {
    label,
    inputs: kernel.loads,
    outputs,
    inPlace: kernel.stores[0]?.isRow ? [] : inPlace,
    lower: (call) => {
      for (const [place, operand] of [...call.inputs, ...call.outputs].entries()) {
        const value = [...kernel.loads, ...outputs][place] as Value;
        if (operand.storage === storageOf(value)) continue;
        throw new CudaError(
          'cuda/internal',
          `internal: ${label} was written for operand ${place} in ${storageOf(value)}, which lies in ${operand.storage}; please report it.`,
        );
      }
      call.emit.kernel({
        kernel: reference,
        ...launchOf(kernel, call.emit.device),
        arguments: [...call.inputs.map(reads), ...call.outputs.map(writes), i64(kernel.size / (kernel.width ?? 1))],
      });
    },
  };
}

function launchOf({ size, width, rows }: FusedKernel, device: DeviceDescription) {
  if (!rows || width === undefined) return elementLaunch(packsOf(1, size), device);
  const blocks = Math.ceil(size / width / (rows.threads / rows.group));
  return { threads: rows.threads, blocks: Math.min(blocks, 16 * device.multiprocessors), isStrided: true } as const;
}
