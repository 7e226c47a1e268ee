import { putHandle, putNumber } from './cells.ts';
import { drainAll, type RecordedFunction, type RecordedMachine } from './recordedMachine.ts';
import { statuses } from './statuses.ts';

/** Devices and their contexts. */
export function deviceFunctions(machine: RecordedMachine) {
  const { recording, device } = machine;
  const contexts = new Map<number, bigint>();
  const attributes: Readonly<Record<number, number>> = {
    16: device.multiprocessors,
    75: Math.floor(device.architecture / 10),
    76: device.architecture % 10,
    97: device.sharedMemory,
  };
  let isInitialized = false;
  const initialized = (run: RecordedFunction): RecordedFunction => {
    return (...given) => (isInitialized ? run(...given) : statuses.notInitialized);
  };
  return {
    cuInit: () => {
      if (device.count === 0) return statuses.noDevice;
      isInitialized = true;
      return statuses.success;
    },
    cuDriverGetVersion: (cell: unknown) => {
      putNumber(cell, device.driverVersion);
      return statuses.success;
    },
    cuDeviceGetCount: initialized((cell) => {
      putNumber(cell, device.count);
      return statuses.success;
    }),
    cuDeviceGet: initialized((cell, ordinal) => {
      if (Number(ordinal) >= device.count) return statuses.invalidDevice;
      putNumber(cell, Number(ordinal));
      return statuses.success;
    }),
    cuDeviceGetName: initialized((letters, length) => {
      (letters as Uint8Array).set(new TextEncoder().encode(`${device.name}\0`).subarray(0, Number(length)));
      return statuses.success;
    }),
    cuDeviceGetAttribute: initialized((cell, which) => {
      const value = attributes[Number(which)];
      if (value === undefined) return statuses.invalidValue;
      putNumber(cell, value);
      return statuses.success;
    }),
    cuDeviceTotalMem_v2: initialized((cell) => {
      putHandle(cell, device.memory);
      return statuses.success;
    }),
    cuDevicePrimaryCtxRetain: initialized((cell, number) => {
      const context = contexts.get(Number(number)) ?? recording.make('context');
      contexts.set(Number(number), context);
      machine.retained.add(Number(number));
      putHandle(cell, context);
      return statuses.success;
    }),
    cuDevicePrimaryCtxRelease_v2: initialized((number) => {
      if (!machine.retained.delete(Number(number))) return statuses.invalidContext;
      drainAll(machine);
      machine.current = undefined;
      return statuses.success;
    }),
    cuCtxSetCurrent: initialized((context) => {
      const isHeld = [...contexts].some(([number, each]) => each === context && machine.retained.has(number));
      if (!isHeld) {
        recording.problem('cuCtxSetCurrent: a context that is not held');
        return statuses.invalidContext;
      }
      machine.current = context as bigint;
      return statuses.success;
    }),
  } satisfies Readonly<Record<string, RecordedFunction>>;
}
