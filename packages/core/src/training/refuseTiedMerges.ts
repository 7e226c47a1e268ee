import { PeftError } from '@peft/ops';
import type { Effect } from '../effect.ts';
import type { RunPlan } from './planRun.ts';

/** Refuses a merge into a head that shares its table with trained rows: it would part from a table that trains on. */
export function refuseTiedMerges(effects: readonly Effect[], { strategy, tokenTables }: RunPlan): void {
  const tied = new Map(Object.entries(tokenTables).flatMap(([table, { heads }]) => heads.map((head) => [head, table])));
  for (const effect of effects) {
    const target = effect.kind === 'merge' ? effect.targets.find(({ path }) => tied.has(path)) : undefined;
    if (!target) continue;
    throw new PeftError(
      'strategy/tied-merge',
      `strategy "${strategy.name}" merges into "${target.path}", which shares the table of "${tied.get(target.path)}" with the rows of trainableTokens and would part from it; exclude "${target.path}" from targets.`,
    );
  }
}
