import { type Access, accessesOf } from './accessesOf.ts';
import type { Command } from './command.ts';
import type { Region } from './region.ts';

interface Past {
  readonly access: Access;
  readonly command: number;
}

/** For each command, the earlier ones that must have run: they write what it reads, or touch what it writes. */
export function dependencies(commands: readonly Command[]): readonly ReadonlySet<number>[] {
  const pasts = new Map<Region, Past[]>();
  return commands.map((command, index) => {
    const needed = new Set<number>();
    for (const access of accessesOf(command)) {
      const past = pasts.get(access.region) ?? [];
      for (const { access: earlier, command: at } of past) {
        if ((access.isWrite || earlier.isWrite) && at !== index && overlap(access, earlier)) needed.add(at);
      }
      // What is written whole hides all that came before it.
      const kept = access.isWrite ? past.filter(({ access: earlier }) => !covers(access, earlier)) : past;
      kept.push({ access, command: index });
      pasts.set(access.region, kept);
    }
    return needed;
  });
}

function overlap(a: Access, b: Access): boolean {
  return a.begin < b.end && b.begin < a.end;
}

function covers(a: Access, b: Access): boolean {
  return a.begin <= b.begin && b.end <= a.end;
}
