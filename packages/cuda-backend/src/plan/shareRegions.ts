import { type Access, accessesOf } from './accessesOf.ts';
import type { Command } from './command.ts';
import type { Life } from './livesOf.ts';
import type { Region } from './region.ts';

/** A result that may be written over an operand, where nobody reads that afterwards. */
export interface Overwrite {
  readonly result: Region;
  readonly operand: Region;
}

/** Regions at one place, one after the other. */
export interface Share extends Life {
  readonly regions: readonly Region[];
  readonly bytes: number;
}

/** Gives results the place of operands that die where they are first written; every region is in one share. */
export function shareRegions(
  commands: readonly Command[],
  lives: ReadonlyMap<Region, Life>,
  overwrites: readonly Overwrite[],
): readonly Share[] {
  const shares = new Map<Region, Share>();
  const touched = new Map<number, ReadonlyMap<Region, readonly Access[]>>();
  const touchedBy = (index: number) => {
    const known = touched.get(index) ?? byRegion(accessesOf(commands[index] as Command));
    touched.set(index, known);
    return known;
  };
  for (const [region, life] of lives) shares.set(region, { ...life, regions: [region], bytes: region.bytes });
  for (const { result, operand } of overwrites) {
    const [over, under] = [shares.get(result), shares.get(operand)];
    if (!over || !under || over.regions[0] !== result || under.regions.at(-1) !== operand) continue;
    if (over.bytes !== under.bytes || under.last !== over.first) continue;
    if (!isAlone(touchedBy(over.first), { operand, result })) continue;
    const both = { ...under, last: over.last, regions: [...under.regions, ...over.regions] };
    for (const region of both.regions) shares.set(region, both);
  }
  return [...new Set(shares.values())];
}

/** Whether a command reads the operand once, in the launch that writes the result, and touches it nowhere else. */
function isAlone(touched: ReadonlyMap<Region, readonly Access[]>, { operand, result }: Overwrite): boolean {
  const [read, written] = [touched.get(operand) ?? [], touched.get(result) ?? []];
  const [only] = read;
  return (
    read.length === 1 &&
    only?.isWrite === false &&
    written.every(({ entry, isRead }) => entry === only.entry && !isRead)
  );
}

function byRegion(accesses: readonly Access[]): ReadonlyMap<Region, readonly Access[]> {
  const found = new Map<Region, Access[]>();
  for (const access of accesses) {
    const known = found.get(access.region);
    if (known) known.push(access);
    else found.set(access.region, [access]);
  }
  return found;
}
