import type { AddressSpace } from './addressSpace.ts';
import { putHandle } from './cells.ts';
import { type CubinKernel, cubinKernels } from './cubinKernels.ts';
import { drainAll, queueOf, type RecordedMachine, withContext } from './recordedMachine.ts';
import { statuses } from './statuses.ts';

/** A launch when the device comes to it. */
export interface RecordedLaunch {
  readonly name: string;
  readonly blocks: number;
  readonly threads: number;
  readonly sharedBytes: number;
  /** The struct of the kernel; where its image does not tell the size, all bytes that parameters may have. */
  readonly parameters: Uint8Array;
  readonly space: AddressSpace;
}

interface KnownFunction {
  readonly name: string;
  readonly module: bigint;
  readonly kernel: CubinKernel | undefined;
  sharedBytes: number;
}

const usualShared = 48 * 1024;
const mostParameters = 4096;

/** Modules, kernels and their launches. */
export function moduleFunctions(machine: RecordedMachine) {
  const { recording, space, device } = machine;
  const modules = new Map<bigint, { readonly kernels: ReturnType<typeof cubinKernels>; readonly text: string }>();
  const functions = new Map<bigint, KnownFunction>();

  function functionOf(handle: unknown, call: string): KnownFunction | undefined {
    if (!recording.isAlive('function', handle, call)) return undefined;
    const known = functions.get(handle) as KnownFunction;
    return recording.isAlive('module', known.module, `${call} of ${known.name}`) ? known : undefined;
  }

  return withContext(
    machine,
    {
      cuModuleLoadData: (cell: unknown, image: unknown) => {
        const bytes = image as Uint8Array;
        if (bytes.length === 0) return statuses.invalidImage;
        const handle = recording.make('module');
        modules.set(handle, { kernels: cubinKernels(bytes), text: new TextDecoder().decode(bytes) });
        putHandle(cell, handle);
        return statuses.success;
      },
      cuModuleGetFunction: (cell: unknown, module: unknown, name: unknown) => {
        if (!recording.isAlive('module', module, 'cuModuleGetFunction')) return statuses.invalidHandle;
        const { kernels, text } = modules.get(module) as { kernels: ReturnType<typeof cubinKernels>; text: string };
        const kernel = kernels?.get(String(name));
        // Of text it is only known that it names its kernels, or what they are made from.
        if (kernels ? kernel === undefined : text.includes('PEFT_KERNEL') === false) return statuses.notFound;
        // Asked again, a module gives the same handle.
        const known = [...functions].find(([, each]) => each.module === module && each.name === name)?.[0];
        const handle = known ?? recording.make('function', String(name));
        if (known === undefined) {
          functions.set(handle, { name: String(name), module, kernel, sharedBytes: usualShared });
        }
        putHandle(cell, handle);
        return statuses.success;
      },
      cuModuleUnload: (module: unknown) => {
        const isIdle = [...machine.streams.values()].every((queue) => queue.isIdle);
        if (!isIdle) recording.problem('cuModuleUnload: work that was put in has not run');
        drainAll(machine);
        return recording.end('module', module, 'cuModuleUnload') ? statuses.success : statuses.invalidHandle;
      },
      cuFuncSetAttribute: (handle: unknown, which: unknown, value: unknown) => {
        const known = functionOf(handle, 'cuFuncSetAttribute');
        if (!known) return statuses.invalidHandle;
        if (which !== 8 || Number(value) > device.sharedMemory) return statuses.invalidValue;
        known.sharedBytes = Number(value);
        return statuses.success;
      },
      cuLaunchKernel: (...given: readonly unknown[]) => {
        const known = functionOf(given[0], 'cuLaunchKernel');
        const queue = queueOf(machine, given[8], 'cuLaunchKernel');
        if (!known || !queue) return statuses.invalidHandle;
        const [blocks, blocksY, blocksZ, threads, threadsY, threadsZ, sharedBytes] = given.slice(1, 8) as number[] as [
          number,
          number,
          number,
          number,
          number,
          number,
          number,
        ];
        const { name, kernel } = known;
        const isFlat = [blocksY, blocksZ, threadsY, threadsZ].every((count) => count === 1);
        if (!isFlat || !isCount(blocks, 2 ** 31 - 1) || !isCount(threads, 1024)) {
          recording.problem(`cuLaunchKernel of ${name}: ${blocks} blocks of ${threads} threads`);
          return statuses.invalidValue;
        }
        if (sharedBytes > known.sharedBytes) {
          recording.problem(`cuLaunchKernel of ${name}: ${sharedBytes} bytes of shared memory were not allowed`);
          return statuses.invalidValue;
        }
        const parameters = parametersAt(given[9] as bigint, kernel?.parameterBytes ?? mostParameters);
        if (!parameters) {
          recording.problem(`cuLaunchKernel of ${name}: its parameters are nobody's memory`);
          return statuses.invalidValue;
        }
        queue.put({
          label: name,
          run: () => {
            recording.isAlive('module', known.module, `cuLaunchKernel of ${name}, when it ran`);
            machine.onLaunch({ name, blocks, threads, sharedBytes, parameters, space });
          },
        });
        return statuses.success;
      },
    },
    ['cuLaunchKernel'],
  );

  // Copied at once, as the driver does.
  function parametersAt(table: bigint, bytes: number): Uint8Array | undefined {
    const entry = space.find('native', table, 8);
    if (!entry) return undefined;
    const address = new DataView(entry.buffer, entry.byteOffset).getBigUint64(0, true);
    return space.find('native', address, bytes)?.slice();
  }
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most;
}
