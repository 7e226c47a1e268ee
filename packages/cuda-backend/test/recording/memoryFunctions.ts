import type { MemoryKind } from './addressSpace.ts';
import { putHandle } from './cells.ts';
import { drainAll, type RecordedFunction, type RecordedMachine, withContext } from './recordedMachine.ts';
import { statuses } from './statuses.ts';

/** Memory of the device, and pinned memory of the host. */
export function memoryFunctions(machine: RecordedMachine) {
  const { recording, space, device } = machine;
  const freed =
    (kind: MemoryKind, call: string): RecordedFunction =>
    (address) => {
      drainAll(machine);
      if (space.free(kind, address as bigint)) return statuses.success;
      recording.problem(`${call}: an address that was not allocated, or was freed before`);
      return statuses.invalidValue;
    };
  return withContext(
    machine,
    {
      cuMemGetInfo_v2: (free: unknown, total: unknown) => {
        putHandle(free, device.memory - space.used('device'));
        putHandle(total, device.memory);
        return statuses.success;
      },
      cuMemAlloc_v2: (cell: unknown, bytes: unknown) => {
        const wanted = Number(bytes);
        if (wanted === 0) return statuses.invalidValue;
        if (space.used('device') + wanted > device.memory) return statuses.outOfMemory;
        putHandle(cell, space.allocate('device', wanted).address);
        return statuses.success;
      },
      cuMemFree_v2: freed('device', 'cuMemFree_v2'),
      cuMemHostAlloc: (cell: unknown, bytes: unknown) => {
        if (Number(bytes) === 0) return statuses.invalidValue;
        putHandle(cell, space.allocate('pinned', Number(bytes)).address);
        return statuses.success;
      },
      cuMemFreeHost: freed('pinned', 'cuMemFreeHost'),
    },
    ['cuMemGetInfo_v2'],
  );
}
