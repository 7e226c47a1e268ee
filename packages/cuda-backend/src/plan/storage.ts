/** How numbers lie in the memory of the device: a bool is one byte. */
export type Storage = 'f32' | 'bf16' | 'i32' | 'u8';

/** The number by which kernels know a storage; `kernels/prelude.cuh` has the same. */
export const storageTags: Readonly<Record<Storage, number>> = { f32: 0, bf16: 1, i32: 2, u8: 3 };

export function bytesPerNumber(storage: Storage): 1 | 2 | 4 {
  return storage === 'u8' ? 1 : storage === 'bf16' ? 2 : 4;
}
