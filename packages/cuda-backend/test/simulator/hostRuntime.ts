import koffi from 'koffi';
import type { Address } from '../../src/device/driver.ts';
import { compileHost, simulatorText } from './hostCompiler.ts';

/** The order in which threads run from one barrier to the next, and blocks after one another. */
export type ThreadOrder = 'forward' | 'reverse' | { readonly seed: number };

type Native = (...given: readonly unknown[]) => number | bigint | string;

export interface HostRuntime {
  /** Path of the library. */
  readonly path: string;
  /** Memory between guard zones, aligned to 256 bytes and filled with NaN patterns. */
  allocate(bytes: number): Address;
  /** @throws Error where the address is no allocation, or something was written around it */
  free(address: Address): void;
  /** @throws Error where something was written outside an allocation */
  checkMemory(): void;
  write(to: Address, from: Uint8Array): void;
  read(from: Address, bytes: number): Uint8Array;
  copy(to: Address, from: Address, bytes: number): void;
  fill(to: Address, byte: number, bytes: number): void;
  setOrder(order: ThreadOrder): void;
  /** Runs a product described by the bytes of a PeftProduct. */
  product(
    description: Uint8Array,
    addresses: readonly [a: Address, b: Address, c: Address, addend: Address, bias: Address],
  ): void;
  /** @throws Error with the runtime's reason where a status is not 0 */
  check(status: number): void;
}

let loaded: HostRuntime | undefined;

/** The part of the simulator that all kernels share, built on first use. */
export function hostRuntime(): HostRuntime {
  loaded ??= load();
  return loaded;
}

/** Path of the runtime's library, built where it is not there yet. */
export function runtimeLibrary(): string {
  return compileHost({
    name: 'runtime',
    text: ['hostRuntime.cpp', 'hostProducts.cpp', 'simulatedFailures.cpp'].map(simulatorText).join('\n'),
    includes: ['hostFiber.hpp', 'hostMemory.hpp', 'hostProducts.hpp', 'hostWatch.hpp', 'simulatedFailures.hpp'],
    flags: ['-O3'],
  });
}

function load(): HostRuntime {
  const path = runtimeLibrary();
  const library = koffi.load(path);
  const find = (name: string, result: string, parameters: string[]) =>
    library.func(name, result, parameters) as unknown as Native;
  const error = find('peftError', 'str', []);
  const allocate = find('peftAllocate', 'uint64', ['uint64']);
  const free = find('peftFree', 'int', ['uint64']);
  const checkMemory = find('peftCheckMemory', 'int', []);
  const copy = find('peftCopy', 'void', ['void*', 'void*', 'uint64']);
  const fill = find('peftFill', 'void', ['void*', 'int', 'uint64']);
  const setOrder = find('peftSetOrder', 'void', ['int', 'uint64']);
  const product = find('peftProduct', 'void', ['void*', 'uint64', 'uint64', 'uint64', 'uint64', 'uint64']);
  const check = (status: number) => {
    if (status !== 0) throw new Error(String(error()));
  };
  return {
    path,
    check,
    allocate: (bytes) => BigInt(allocate(bytes)),
    free: (address) => check(Number(free(address))),
    checkMemory: () => check(Number(checkMemory())),
    write: (to, from) => void copy(to, from, from.byteLength),
    read(from, bytes) {
      const result = new Uint8Array(bytes);
      copy(result, from, bytes);
      return result;
    },
    copy: (to, from, bytes) => void copy(to, from, bytes),
    fill: (to, byte, bytes) => void fill(to, byte, bytes),
    setOrder(order) {
      const [kind, seed] = order === 'forward' ? [0, 0] : order === 'reverse' ? [1, 0] : [2, order.seed];
      setOrder(kind, seed);
    },
    product: (description, [a, b, c, addend, bias]) => void product(description, a, b, c, addend, bias),
  };
}
