/** How the kernels of kernels/flashForward.cuh and flashBackward.cuh are launched: what `Share` and `Tile` there say. */
export interface FlashLaunch {
  readonly threads: number;
  /** Queries, or keys, that one block works for. */
  readonly resident: number;
  /** Bytes of shared memory. */
  readonly forwardBytes: number;
  readonly backwardBytes: number;
  /** Of the names of kernels. */
  readonly suffix: string;
}

interface Heads {
  /** Numbers of a query and a key of one head. */
  readonly size: number;
  /** Numbers of a value of one head. */
  readonly width: number;
}

export function flashLaunch(storage: 'f32' | 'bf16', { size, width }: Heads): FlashLaunch {
  const widest = Math.max(size, width) > 64 ? 128 : 64;
  const [warps, streamed, stages] = storage === 'bf16' ? [4, 64, 2] : [2, 32, 1];
  const resident = 16 * warps;
  const rowBytes = storage === 'bf16' ? 2 * widest : 4 * (widest + 4);
  const buffers = storage === 'bf16' ? 0 : warps * 16 * (streamed + 4) * 4;
  const pair = 2 * stages * streamed * rowBytes + buffers;
  return {
    threads: 32 * warps,
    resident,
    forwardBytes: resident * rowBytes + pair + 2 * streamed * 4,
    backwardBytes: 2 * resident * rowBytes + pair + Math.max(2 * 4, stages * 16) * streamed,
    suffix: `${storage === 'bf16' ? 'Bf16' : 'F32'}x${widest}`,
  };
}

/** Rows that the gradient keeps for the queries of one head: tiles are read whole. */
export function rowsPerHead(queries: number): number {
  return Math.ceil(queries / 64) * 64;
}
