import { accessesOf } from './accessesOf.ts';
import type { Command } from './command.ts';
import type { Region } from './region.ts';

/** The first and the last command that touch a region; the number of commands where it is read after all of them. */
export interface Life {
  readonly first: number;
  readonly last: number;
}

/** The lives of the regions of the arena. */
export function livesOf(commands: readonly Command[], kept: ReadonlySet<Region>): ReadonlyMap<Region, Life> {
  const lives = new Map<Region, Life>();
  for (const [index, command] of commands.entries()) {
    for (const { region } of accessesOf(command)) {
      if (region.kind !== 'arena') continue;
      const first = lives.get(region)?.first ?? index;
      lives.set(region, { first, last: kept.has(region) ? commands.length : index });
    }
  }
  return lives;
}
