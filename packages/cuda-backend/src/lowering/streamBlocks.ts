import type { DeviceDescription } from '../device/driver.ts';

interface Stream {
  readonly places: number;
  readonly threads: number;
  /** Places that a thread has on the way at once. */
  readonly perThread: number;
}

/** Blocks for a pass over `places`: first as many as fill the device, then as few as keep its threads busy. */
export function streamBlocks({ multiprocessors }: DeviceDescription, { places, threads, perThread }: Stream): number {
  const filling = Math.floor(2048 / threads) * multiprocessors;
  return Math.min(Math.ceil(places / threads), Math.max(Math.ceil(places / (threads * perThread)), filling));
}
