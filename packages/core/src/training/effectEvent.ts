import type { Effect } from '../effect.ts';
import type { TrainEvent } from './events.ts';

/** What a run reports of an effect: its kind, and the paths of the targets or leaves that it is for. */
export function effectEvent(effect: Effect, step: number): TrainEvent {
  return { type: 'effect', step, effect: effect.kind, targets: pathsOf(effect) };
}

function pathsOf(effect: Effect): readonly string[] {
  if (effect.kind === 'select') return effect.leaves.map(({ path }) => path);
  return effect.targets === 'all' ? ['all'] : effect.targets.map(({ path }) => path);
}
