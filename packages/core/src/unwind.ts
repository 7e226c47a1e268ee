import { requireInRange } from './requireInRange.ts';
import type { AnyStrategy } from './strategy.ts';
import type { TrainedAdapter } from './trainedAdapter.ts';

/**
 * A chain as it was at an earlier knot: its first `links` finished links, without the link that was last under way.
 * Fully trained modules and biases have no earlier state and stay as they are. Attach, merge or save it as any other.
 * @throws PeftError `option/range` if that many links were not finished
 */
export function unwind(trained: TrainedAdapter, links: number): TrainedAdapter {
  requireInRange('unwind', { links }, { from: 0, to: trained.finished.length, integer: true });
  const { strategy } = trained;
  const atRest: AnyStrategy = {
    name: strategy.name,
    init: () => ({ params: {}, state: {} }),
    forward: (_adapter, _target, { output }) => output,
    merge: (_adapter, _target, weight) => weight,
    ...(strategy.factors && { factors: () => undefined }),
    ...(strategy.part && { part: (key) => (strategy.part as NonNullable<AnyStrategy['part']>)(key) }),
  };
  return {
    ...trained,
    strategy: atRest,
    adapter: { params: {}, state: {} },
    finished: trained.finished.slice(0, links),
  };
}
