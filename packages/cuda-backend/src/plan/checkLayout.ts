import { CudaError } from '../cudaError.ts';
import { type Access, accessesOf } from './accessesOf.ts';
import type { Command } from './command.ts';
import type { Layout } from './planMemory.ts';
import type { Region } from './region.ts';
import type { Overwrite } from './shareRegions.ts';

/** Bytes of the arena, and whose numbers they hold. */
interface Segment {
  readonly begin: number;
  readonly end: number;
  readonly owner: Region;
}

export interface CheckedLayout extends Pick<Layout, 'offsets' | 'arenaBytes'> {
  /** Regions that are read after the last command. */
  readonly kept: ReadonlySet<Region>;
  /** Pairs that may share bytes within one launch. */
  readonly overwrites: readonly Overwrite[];
}

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
  let book: readonly Segment[] = [];
  const placed = ({ region, begin, end }: Access) => {
    const offset = offsets.get(region);
    if (offset === undefined) problems.push(`"${region.label}" has no place`);
    else if (offset + region.bytes > arenaBytes) problems.push(`"${region.label}" ends beyond the arena`);
    else if (end > region.bytes) problems.push(`"${region.label}" is touched beyond its end`);
    return { begin: begin + (offset ?? 0), end: end + (offset ?? 0), owner: region };
  };
  const requireOwn = (wanted: Segment, who: string) => {
    const found = overlapping(book, wanted).filter(({ owner }) => owner === wanted.owner);
    const held = found.reduce(
      (sum, { begin, end }) => sum + Math.min(end, wanted.end) - Math.max(begin, wanted.begin),
      0,
    );
    if (held < wanted.end - wanted.begin)
      problems.push(`${who} reads "${wanted.owner.label}", of which it finds ${held} bytes`);
  };
  for (const command of commands) {
    const accesses = accessesOf(command).filter(({ region }) => region.kind === 'arena');
    const segments = accesses.map((access) => ({ ...access, ...placed(access) }));
    for (const segment of segments) if (segment.isRead) requireOwn(segment, command.node);
    const writes = segments.filter(({ isWrite }) => isWrite);
    for (const write of writes) {
      for (const other of overlapping(segments, write)) {
        const isSame = other.owner === write.owner && other.entry === write.entry;
        const isAllowed = other.entry === write.entry && !other.isWrite && allowed.get(write.owner)?.has(other.owner);
        if (other !== write && !isSame && !isAllowed) {
          problems.push(`${command.node} writes "${write.owner.label}" over "${other.owner.label}"`);
        }
      }
    }
    for (const { begin, end, owner } of writes) book = [...cut(book, { begin, end }), { begin, end, owner }];
  }
  for (const region of kept) {
    if (region.kind !== 'arena') continue;
    const whole = placed({ region, begin: 0, end: region.bytes, isRead: true, isWrite: false, entry: 0 });
    requireOwn(whole, 'the end');
  }
  if (problems.length === 0) return;
  throw new CudaError(
    'cuda/internal',
    `internal: the memory plan is wrong; please report it:\n  ${problems.join('\n  ')}`,
  );
}

type Range = Pick<Segment, 'begin' | 'end'>;

function overlapping<Each extends Range>(list: readonly Each[], { begin, end }: Range): readonly Each[] {
  return list.filter((each) => each.begin < end && begin < each.end);
}

/** What is left of segments around a range. */
function cut(book: readonly Segment[], { begin, end }: Range): readonly Segment[] {
  return book.flatMap((segment) => {
    if (segment.end <= begin || end <= segment.begin) return [segment];
    const before = segment.begin < begin ? [{ ...segment, end: begin }] : [];
    const after = end < segment.end ? [{ ...segment, begin: end }] : [];
    return [...before, ...after];
  });
}
