import { CudaError } from '../cudaError.ts';
import { type Access, accessesOf } from './accessesOf.ts';
import type { Command } from './command.ts';
import { MemoryBook, type Segment } from './memoryBook.ts';
import type { Layout } from './planMemory.ts';
import type { Region } from './region.ts';
import type { Overwrite } from './shareRegions.ts';

export interface CheckedLayout extends Layout {
  /** Regions that are read after the last command. */
  readonly kept: ReadonlySet<Region>;
  /** Pairs that may share bytes within one launch. */
  readonly overwrites: readonly Overwrite[];
}

type Touched = Segment & Access;

/**
 * Runs commands over the arena as a book of whose numbers lie where, and throws where one would read bytes that hold
 * another region's numbers or none, or write what the same launch reads.
 *
 * @throws CudaError `cuda/internal`
 */
export function checkLayout(commands: readonly Command[], layout: CheckedLayout): void {
  const { offsets, arenaBytes, kept, overwrites } = layout;
  const allowed = new Map<Region, Set<Region>>();
  for (const { result, operand } of overwrites) {
    allowed.set(result, (allowed.get(result) ?? new Set<Region>()).add(operand));
  }
  const problems: string[] = [];
  const book = new MemoryBook();
  const placed = (access: Access): Touched => {
    const { region, begin, end } = access;
    const offset = offsets.get(region);
    if (offset === undefined) problems.push(`"${region.label}" has no place`);
    else if (offset + region.bytes > arenaBytes) problems.push(`"${region.label}" ends beyond the arena`);
    else if (end > region.bytes) problems.push(`"${region.label}" is touched beyond its end`);
    return { ...access, begin: begin + (offset ?? 0), end: end + (offset ?? 0), owner: region };
  };
  const requireOwn = (wanted: Segment, who: string) => {
    const held = book.heldBy(wanted);
    if (held === wanted.end - wanted.begin) return;
    problems.push(`${who} reads "${wanted.owner.label}", of which it finds ${held} bytes`);
  };
  for (const command of commands) {
    const touched = accessesOf(command).flatMap((access) => (access.region.kind === 'arena' ? [placed(access)] : []));
    for (const each of touched) if (each.isRead) requireOwn(each, command.node);
    for (const [write, other] of meetings(touched)) {
      const isSame = other.owner === write.owner && other.entry === write.entry;
      const mayOverwrite = !other.isWrite && allowed.get(write.owner)?.has(other.owner);
      if (isSame || (mayOverwrite && other.entry === write.entry)) continue;
      problems.push(`${command.node} writes "${write.owner.label}" over "${other.owner.label}"`);
    }
    for (const { begin, end, owner, isWrite } of touched) if (isWrite) book.write({ begin, end, owner });
  }
  for (const region of kept) {
    if (region.kind !== 'arena') continue;
    requireOwn(placed({ region, begin: 0, end: region.bytes, isRead: true, isWrite: false, entry: 0 }), 'the end');
  }
  if (problems.length === 0) return;
  throw new CudaError(
    'cuda/internal',
    `internal: the memory plan is wrong; please report it:\n  ${problems.join('\n  ')}`,
  );
}

/** What is written, each with what else is touched at the same place. */
function meetings(touched: readonly Touched[]): readonly (readonly [write: Touched, other: Touched])[] {
  const found: [Touched, Touched][] = [];
  let open: readonly Touched[] = [];
  for (const each of touched.toSorted((a, b) => a.begin - b.begin)) {
    open = open.filter(({ end }) => end > each.begin);
    for (const other of open) {
      if (each.isWrite) found.push([each, other]);
      else if (other.isWrite) found.push([other, each]);
    }
    open = [...open, each];
  }
  return found;
}
