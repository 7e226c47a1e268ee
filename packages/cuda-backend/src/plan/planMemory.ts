import type { Command } from './command.ts';
import { livesOf } from './livesOf.ts';
import type { Region } from './region.ts';
import { type Overwrite, type Share, shareRegions } from './shareRegions.ts';

/** Where each region of the arena begins. */
export interface Layout {
  readonly arenaBytes: number;
  readonly offsets: ReadonlyMap<Region, number>;
}

export interface MemoryOptions {
  /** Regions that are read after the last command. */
  readonly kept: ReadonlySet<Region>;
  readonly overwrites: readonly Overwrite[];
}

/** Every region begins at a multiple of this many bytes. */
export const alignment = 256;

interface Placed extends Share {
  readonly offset: number;
  readonly end: number;
}

/** What is placed first: the largest, what is large for long, what lives first. None is the best for all graphs. */
const orders: readonly ((a: Share, b: Share) => number)[] = [
  (a, b) => b.bytes - a.bytes || a.first - b.first,
  (a, b) => b.bytes * (b.last - b.first + 1) - a.bytes * (a.last - a.first + 1) || a.first - b.first,
  (a, b) => a.first - b.first || b.bytes - a.bytes,
];

/** One arena for all results: regions share memory where their lives do not overlap. */
export function planMemory(commands: readonly Command[], { kept, overwrites }: MemoryOptions): Layout {
  const shares = shareRegions(commands, livesOf(commands, kept), overwrites);
  const layouts = orders.map((order) => place(shares.toSorted(order)));
  return layouts.reduce((best, each) => (each.arenaBytes < best.arenaBytes ? each : best));
}

function place(shares: readonly Share[]): Layout {
  const placed: Placed[] = [];
  for (const share of shares) {
    const bytes = Math.ceil(share.bytes / alignment) * alignment;
    const neighbours = placed.filter(({ first, last }) => first <= share.last && share.first <= last);
    const offset = bestFit(bytes, neighbours);
    placed.push({ ...share, offset, end: offset + bytes });
  }
  const offsets = placed.flatMap(({ regions, offset }) => regions.map((region) => [region, offset] as const));
  return { arenaBytes: placed.reduce((most, { end }) => Math.max(most, end), 0), offsets: new Map(offsets) };
}

/** The start of the smallest gap that is large enough; above all neighbours where none is. */
function bestFit(bytes: number, neighbours: readonly Placed[]): number {
  let [best, bestSize, top] = [-1, Number.POSITIVE_INFINITY, 0];
  for (const { offset, end } of neighbours.toSorted((a, b) => a.offset - b.offset)) {
    const gap = offset - top;
    if (gap >= bytes && gap < bestSize) [best, bestSize] = [top, gap];
    top = Math.max(top, end);
  }
  return best < 0 ? top : best;
}
