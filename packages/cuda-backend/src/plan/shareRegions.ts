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
  for (const [region, life] of lives) shares.set(region, { ...life, regions: [region], bytes: region.bytes });
  for (const { result, operand } of overwrites) {
    const [over, under] = [shares.get(result), shares.get(operand)];
    if (!over || !under || over.regions[0] !== result || under.regions.at(-1) !== operand) continue;
    if (over.bytes !== under.bytes || under.last !== over.first) continue;
    if (!isAlone(commands[over.first] as Command, { operand, result })) continue;
    const both = { ...under, last: over.last, regions: [...under.regions, ...over.regions] };
    for (const region of both.regions) shares.set(region, both);
  }
  return [...new Set(shares.values())];
}

/** Whether a command reads the operand once, in the launch that writes the result, and touches it nowhere else. */
function isAlone(command: Command, { operand, result }: Overwrite): boolean {
  const accesses = accessesOf(command);
  const of = (region: Region): readonly Access[] => accesses.filter((access) => access.region === region);
  const [read, written] = [of(operand), of(result)];
  const [only] = read;
  return (
    read.length === 1 &&
    only?.isWrite === false &&
    written.every(({ entry, isRead }) => entry === only.entry && !isRead)
  );
}
