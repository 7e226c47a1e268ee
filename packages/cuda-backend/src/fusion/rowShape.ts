/** How rows of `width` numbers are shared out to threads, eight numbers each at a time. */
export interface RowShape {
  /** Threads that work on one row: a warp, or all of a block. */
  readonly group: number;
  readonly threads: number;
  /** Whether a thread has more than eight numbers of a row, which it then reads again after every sum. */
  readonly isLong: boolean;
}

const widest = 1024;
const ofLong = 512;

export function rowShape(width: number): RowShape {
  const threads = 32 * Math.ceil(width / (8 * 32));
  if (threads === 32) return { group: 32, threads: 128, isLong: false };
  if (threads > widest) return { group: ofLong, threads: ofLong, isLong: true };
  return { group: threads, threads, isLong: false };
}
