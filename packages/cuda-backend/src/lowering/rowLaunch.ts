/** How rows of `width` numbers are shared out: a warp or a block a row, eight numbers a thread at a time. */
export interface RowLaunch {
  /** Threads that work on one row; the suffix of the kernel's name. */
  readonly group: 32 | 128 | 512;
  readonly threads: number;
  readonly blocks: number;
}

const eightsPerThread = 4;

export function rowLaunch(rows: number, width: number): RowLaunch {
  const fits = (group: number) => width <= group * 8 * eightsPerThread;
  const group = fits(32) ? 32 : fits(128) ? 128 : 512;
  const threads = Math.max(group, 128);
  return { group, threads, blocks: Math.ceil(rows / (threads / group)) };
}
