import { powerOfTwo } from '../powerOfTwo.ts';

/** Keys of 8 bytes that are sorted in the shared memory of a block. */
export interface SortTile {
  /** Keys of a tile, a power of two. */
  readonly size: number;
  readonly tiles: number;
}

/** 64 KiB: more than every device allows with no question, less than any since 2020 has. */
const mostAlone = 8192;
/** Where there are several tiles, smaller ones keep more multiprocessors busy. */
const mostTogether = 4096;

/** All of `count` keys in one tile where they fit. */
export function sortTile(count: number): SortTile {
  if (count <= mostAlone) return { size: powerOfTwo(count), tiles: 1 };
  return { size: mostTogether, tiles: Math.ceil(count / mostTogether) };
}

/** Threads that sort a tile of `size` keys: one for each pair, up to a full block. */
export function sortThreads(size: number): number {
  return Math.min(Math.max(size / 2, 32), 1024);
}
