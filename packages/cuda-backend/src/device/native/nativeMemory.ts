import type { KoffiModule } from '../loadKoffi.ts';

/** Host memory as the functions of a library see it: by address. */
export interface NativeMemory {
  /** Memory at an address that stays for the life of the process. */
  reserve(bytes: number): { readonly address: bigint; readonly bytes: ArrayBuffer };
  /** The memory at an address, as long as its owner keeps it. */
  view(address: bigint, bytes: number): ArrayBuffer;
  /** A C string at an address. */
  string(address: bigint): string;
}

export function koffiMemory(koffi: KoffiModule): NativeMemory {
  return {
    reserve(bytes) {
      const address: bigint = koffi.alloc('uint8', bytes);
      return { address, bytes: koffi.view(address, bytes) };
    },
    view: (address, bytes) => koffi.view(address, bytes),
    string: (address) => koffi.decode.string(address),
  };
}
