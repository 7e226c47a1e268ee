import type { DeviceDescription } from '../device/driver.ts';

const threads = 256;
const numbersPerThread = 8;

/** A launch that works through `packs` pieces in strides: as many blocks as the device holds at one time, or fewer. */
export function elementLaunch(packs: number, { multiprocessors }: Pick<DeviceDescription, 'multiprocessors'>) {
  const blocks = Math.max(1, Math.min(Math.ceil(packs / threads), 8 * multiprocessors));
  return { threads, blocks, isStrided: true } as const;
}

/** Eights of rows of `width` numbers. */
export function packsOf(rows: number, width: number): number {
  return rows * Math.ceil(width / numbersPerThread);
}
