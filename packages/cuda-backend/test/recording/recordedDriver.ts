import type { Driver } from '../../src/device/driver.ts';
import {
  type DriverFunctionName,
  type DriverFunctions,
  driverSignatures,
} from '../../src/device/native/driverFunctions.ts';
import { nativeDriver } from '../../src/device/native/nativeDriver.ts';
import type { NativeMemory } from '../../src/device/native/nativeMemory.ts';
import { AddressSpace } from './addressSpace.ts';
import { putHandle } from './cells.ts';
import { copyFunctions } from './copyFunctions.ts';
import { deviceFunctions } from './deviceFunctions.ts';
import { eventFunctions } from './eventFunctions.ts';
import { graphFunctions } from './graphFunctions.ts';
import { memoryFunctions } from './memoryFunctions.ts';
import { moduleFunctions, type RecordedLaunch } from './moduleFunctions.ts';
import type { RecordedFunction, RecordedMachine } from './recordedMachine.ts';
import { Recording } from './recording.ts';
import { statusNames } from './statuses.ts';
import { streamFunctions } from './streamFunctions.ts';

export interface RecordedDevice {
  readonly name: string;
  readonly architecture: number;
  readonly multiprocessors: number;
  readonly sharedMemory: number;
  readonly memory: number;
  readonly driverVersion: number;
  /** Devices of the machine, all alike. */
  readonly count: number;
}

export interface RecordedDriverOptions {
  readonly device?: Partial<RecordedDevice>;
  /** Does the work of a kernel when the device comes to it; nothing unless given. */
  readonly onLaunch?: (launch: RecordedLaunch) => void;
}

export interface RecordedDriver {
  readonly functions: DriverFunctions;
  readonly memory: NativeMemory;
  readonly recording: Recording;
  readonly space: AddressSpace;
  /** The driver of this package on these functions. */
  open(ordinal?: number): Driver;
  /** Gives a status to a later call of a function: the next, or one after it. */
  fail(name: DriverFunctionName, status: number, after?: number): void;
  /** What is wrong with the calls so far; after `close` also what was not freed. */
  problems(): readonly string[];
}

const usualDevice: RecordedDevice = {
  name: 'Recorded H200',
  architecture: 90,
  multiprocessors: 132,
  sharedMemory: 232_448,
  memory: 16 * 2 ** 30,
  driverVersion: 12_080,
  count: 1,
};

/**
 * A driver on the memory of the host that records what it is asked and notices misuse: handles of the wrong kind or no
 * longer alive, memory that is nobody's or was freed, copies from memory that is not pinned or was overwritten before the
 * copy ran, calls that a capture forbids, calls without a context. Work runs when somebody waits for it.
 */
export function recordedDriver({ device, onLaunch = () => {} }: RecordedDriverOptions = {}): RecordedDriver {
  const recording = new Recording();
  const space = new AddressSpace();
  const machine: RecordedMachine = {
    device: { ...usualDevice, ...device },
    recording,
    space,
    streams: new Map(),
    retained: new Set(),
    current: undefined,
    onLaunch,
  };
  const strings = new Map<bigint, string>();
  const letters = (text: string): bigint => {
    const { address } = space.allocate('native', text.length + 1);
    strings.set(address, text);
    return address;
  };
  const texts = new Map(Object.entries(statusNames).map(([status, name]) => [Number(status), letters(name)]));
  const described = letters('as the recording describes it');
  const functions: Record<DriverFunctionName, RecordedFunction> = {
    cuGetErrorName: (status, cell) => {
      const address = texts.get(Number(status));
      if (address === undefined) return 1;
      putHandle(cell, address);
      return 0;
    },
    cuGetErrorString: (_status, cell) => {
      putHandle(cell, described);
      return 0;
    },
    ...deviceFunctions(machine),
    ...memoryFunctions(machine),
    ...copyFunctions(machine),
    ...moduleFunctions(machine),
    ...streamFunctions(machine),
    ...graphFunctions(machine),
    ...eventFunctions(machine),
  };
  const failures = new Map<DriverFunctionName, { status: number; after: number }>();

  const recorded = (name: DriverFunctionName) => {
    const call = (...given: unknown[]) => {
      const failure = failures.get(name);
      const isDue = failure !== undefined && failure.after-- === 0;
      if (isDue) failures.delete(name);
      const expected = driverSignatures[name][1].length;
      if (given.length !== expected) recording.problem(`${name}: ${given.length} arguments, not ${expected}`);
      const status = isDue ? failure.status : functions[name](...given);
      recording.calls.push({ name, given, status });
      return status;
    };
    const later = () => Promise.reject(new Error(`${name} is not called on other threads.`));
    return Object.assign(call, { later });
  };
  const names = Object.keys(driverSignatures) as DriverFunctionName[];
  const all = Object.fromEntries(names.map((name) => [name, recorded(name)])) as unknown as DriverFunctions;
  const memory: NativeMemory = {
    reserve(bytes) {
      const block = space.allocate('native', bytes);
      return { address: block.address, bytes: block.bytes.buffer };
    },
    view(address, bytes) {
      const block = space.blocks('pinned').find((each) => each.address === address && each.bytes.length === bytes);
      if (block === undefined) throw new Error(`no pinned memory of ${bytes} bytes at ${address}.`);
      return block.bytes.buffer;
    },
    string: (address) => strings.get(address) ?? '',
  };
  return {
    functions: all,
    memory,
    recording,
    space,
    open: (ordinal = 0) => nativeDriver(all, memory, ordinal),
    fail: (name, status, after = 0) => failures.set(name, { status, after }),
    problems() {
      if (machine.retained.size > 0) return recording.problems;
      const left = (['device', 'pinned'] as const).flatMap((kind) =>
        space.blocks(kind).map(({ bytes }) => `${bytes.length} bytes of ${kind} memory were not freed`),
      );
      return [...recording.problems, ...left, ...recording.living.map((each) => `${each} was not destroyed`)];
    },
  };
}
