import type { Address, Launch } from '../device/driver.ts';
import { parameterBlock } from '../device/parameterBlock.ts';
import type { KernelReference } from '../plan/command.ts';

/** The kernel that ends every run: the next state becomes the state if all metrics are finite. */
export const commitKernel: KernelReference = { file: 'program', name: 'commit' };

/** Bytes that one block copies. */
const pieceBytes = 16 * 1024;
const pieceStructBytes = 24;

/** A leaf's next values, and where the leaf lies. */
export interface StateWrite {
  readonly from: Address;
  readonly to: Address;
  readonly bytes: number;
}

export interface CommitCall {
  /** Where the table of pieces lies. */
  readonly table: Address;
  /** The float metrics, each 16 bytes after the one before. */
  readonly metrics: Address;
  readonly metricCount: number;
  /** A number that the kernel sets to 1 where the state was replaced, else to 0. */
  readonly flag: Address;
  /** Whether the metrics that the host knows are finite. */
  readonly isAllowed: boolean;
}

/** Bytes of the table of pieces for leaves of these sizes. */
export function commitTableBytes(sizes: readonly number[]): number {
  return piecesIn(sizes) * pieceStructBytes;
}

/** The table of pieces: each block of the launch copies one. */
export function commitTable(writes: readonly StateWrite[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(commitTableBytes(writes.map(({ bytes }) => bytes))));
  let place = 0;
  for (const { from, to, bytes } of writes) {
    for (let begin = 0; begin < bytes; begin += pieceBytes) {
      view.setBigUint64(place, from + BigInt(begin), true);
      view.setBigUint64(place + 8, to + BigInt(begin), true);
      view.setBigInt64(place + 16, BigInt(Math.min(pieceBytes, bytes - begin)), true);
      place += pieceStructBytes;
    }
  }
  return new Uint8Array(view.buffer);
}

/** The launch of the kernel over such a table. */
export function commitLaunch(sizes: readonly number[], call: CommitCall): Launch {
  const blocks = piecesIn(sizes);
  const parameters = parameterBlock([
    { type: 'pointer', value: blocks > 0 ? call.table : 0n },
    { type: 'pointer', value: call.metrics },
    { type: 'pointer', value: call.flag },
    { type: 'u32', value: call.metricCount },
    { type: 'u32', value: Number(call.isAllowed) },
  ]);
  return { blocks: Math.max(blocks, 1), threads: 256, parameters };
}

function piecesIn(sizes: readonly number[]): number {
  return sizes.reduce((count, bytes) => count + Math.ceil(bytes / pieceBytes), 0);
}
