import type { Snapshot, Strategy, Tree } from '@peft/core';

/**
 * A chain without its merges: at every knot the optimizer and the schedule start anew, the adapter goes on. What a
 * chain gains over this control comes from merging. Written as anyone outside the project would write a strategy.
 */
export function restartOnly<P extends Tree, S extends Snapshot>(link: Strategy<P, S>, links: number): Strategy<P, S> {
  const startOf = (index: number, totalSteps: number) => Math.floor((index * totalSteps) / links);
  const indexAt = (step: number, totalSteps: number) => {
    let index = 0;
    while (index < links - 1 && startOf(index + 1, totalSteps) < step) index++;
    return index;
  };
  return {
    ...link,
    name: `restartOnly(${link.name})`,
    advance(context, adapter, { step, totalSteps }) {
      const isKnot = step < totalSteps && indexAt(step, totalSteps) !== indexAt(step + 1, totalSteps);
      if (!isKnot) return undefined;
      return Promise.resolve({ ...adapter, effects: [{ kind: 'restart', targets: context.targets }] });
    },
    lifeOf(_state, { step, totalSteps }, target) {
      if (!target) return { step, totalSteps };
      const index = indexAt(step, totalSteps);
      const start = startOf(index, totalSteps);
      return { step: step - start, totalSteps: startOf(index + 1, totalSteps) - start };
    },
  };
}
