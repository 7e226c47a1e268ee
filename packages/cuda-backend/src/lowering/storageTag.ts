import { type Argument, i32 } from '../plan/command.ts';
import type { Operand } from '../plan/operand.ts';
import { storageTags } from '../plan/storage.ts';

/** How an operand is stored, as kernels are told. */
export function storageTag({ storage }: Operand): Argument {
  return i32(storageTags[storage]);
}
