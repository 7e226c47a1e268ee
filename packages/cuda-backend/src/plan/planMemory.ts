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
  const least = mostAtOneTime(shares, commands.length);
  let best: Layout | undefined;
  for (const order of orders) {
    const layout = place(shares.toSorted(order));
    if (!best || layout.arenaBytes < best.arenaBytes) best = layout;
    if (best.arenaBytes <= least) break;
  }
  return best ?? { arenaBytes: 0, offsets: new Map() };
}

const aligned = (bytes: number) => Math.ceil(bytes / alignment) * alignment;

/** The most bytes that live at one time: no arena is smaller. */
function mostAtOneTime(shares: readonly Share[], count: number): number {
  const growth = new Float64Array(count + 2);
  for (const { bytes, first, last } of shares) {
    growth[first] = (growth[first] as number) + aligned(bytes);
    growth[last + 1] = (growth[last + 1] as number) - aligned(bytes);
  }
  let [now, most] = [0, 0];
  for (const change of growth) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}

function place(shares: readonly Share[]): Layout {
  // By offset, so that gaps are met in order.
  const placed: Placed[] = [];
  for (const share of shares) {
    const bytes = aligned(share.bytes);
    const offset = bestFit(bytes, share, placed);
    placed.splice(firstAt(placed, offset), 0, { ...share, offset, end: offset + bytes });
  }
  const offsets = placed.flatMap(({ regions, offset }) => regions.map((region) => [region, offset] as const));
  return { arenaBytes: placed.reduce((most, { end }) => Math.max(most, end), 0), offsets: new Map(offsets) };
}

/** The start of the smallest gap between neighbours in time that is large enough; above all of them where none is. */
function bestFit(bytes: number, { first, last }: Share, placed: readonly Placed[]): number {
  let [best, bestSize, top] = [-1, Number.POSITIVE_INFINITY, 0];
  for (const other of placed) {
    if (other.first > last || first > other.last) continue;
    const gap = other.offset - top;
    if (gap >= bytes && gap < bestSize) [best, bestSize] = [top, gap];
    top = Math.max(top, other.end);
  }
  return best < 0 ? top : best;
}

/** Place of the first that lies at an offset or above. */
function firstAt(placed: readonly Placed[], offset: number): number {
  let [low, high] = [0, placed.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((placed[middle] as Placed).offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
