import type { HostArray } from './hostArray.ts';

/** Whether two arrays hold the same values, bit for bit: at once where they are the same memory. */
export function sameValues({ data: left, dtype }: HostArray, { data: right, dtype: other }: HostArray): boolean {
  if (dtype !== other || left.length !== right.length) return false;
  if (left.buffer === right.buffer && left.byteOffset === right.byteOffset) return true;
  for (let index = 0; index < left.length; index++) if (!Object.is(left[index], right[index])) return false;
  return true;
}
