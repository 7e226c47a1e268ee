import type { AnyStrategy, Strategy } from '@peft/core';
import { type AdaLoraState, adalora, type ByTarget, globalTop, isSearching, type Triplets } from './index.ts';

const strategy = adalora({ initRank: 4, targetRank: 1, warmupSteps: { fraction: 0.1 }, allocator: globalTop });

strategy satisfies Strategy<ByTarget<Triplets>, AdaLoraState>;
strategy satisfies AnyStrategy;
strategy.options.scaling satisfies number;

export function averagesOf(state: AdaLoraState): unknown {
  // @ts-expect-error the averages are gone in the final phase
  state.averages;
  return isSearching(state) ? state.averages.sensitivity : undefined;
}

// @ts-expect-error Python's name
adalora({ init_r: 4 });
// @ts-expect-error a span is a number of steps or a fraction
adalora({ finalSteps: '10%' });
// @ts-expect-error only Python PEFT's numbers can be had instead
adalora({ compat: 'torch' });
// @ts-expect-error an allocator needs a name
adalora({ allocator: { allocate: () => ({}) } });
