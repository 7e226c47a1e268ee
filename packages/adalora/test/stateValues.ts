import type { HostArray, TrainingState } from '@peft/core';

/** The values of one tensor of a saved state. */
export function stateValues({ tensors }: TrainingState, path: string): readonly number[] {
  const leaf = tensors[path];
  if (typeof leaf !== 'object') throw new Error(`no tensor "${path}" among ${Object.keys(tensors).join(', ')}`);
  return Array.from((leaf as HostArray).data as Float32Array);
}

/** Live triplets of all targets together by the masks of a saved state. */
export function liveCount(state: TrainingState): number {
  return Object.keys(state.tensors)
    .filter((path) => path.startsWith('strategy/mask/'))
    .flatMap((path) => stateValues(state, path))
    .reduce((sum, value) => sum + value, 0);
}
