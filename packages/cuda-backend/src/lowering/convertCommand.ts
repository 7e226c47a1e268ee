import { sizeOf } from '@peft/core';
import type { DeviceDescription } from '../device/driver.ts';
import { i32, i64, type KernelCommand, reads, writes } from '../plan/command.ts';
import type { Operand } from '../plan/operand.ts';
import { storageTags } from '../plan/storage.ts';

const threads = 256;
const numbersPerThread = 8;

/** A launch that writes the numbers of one operand into another as that is stored. */
export function convertCommand(
  from: Operand,
  to: Operand,
  { multiprocessors }: DeviceDescription,
): Omit<KernelCommand, 'kind'> {
  const count = sizeOf(to.shape);
  const blocks = Math.max(1, Math.min(Math.ceil(count / (threads * numbersPerThread)), 8 * multiprocessors));
  return {
    kernel: { file: 'convert', name: 'convert' },
    blocks,
    threads,
    isStrided: true,
    arguments: [reads(from), writes(to), i64(count), i32(storageTags[from.storage]), i32(storageTags[to.storage])],
  };
}
