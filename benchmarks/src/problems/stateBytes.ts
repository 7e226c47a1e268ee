import {
  type AnyStrategy,
  adamw,
  type DataSource,
  fineTune,
  leavesOf,
  type TrainingState,
  type Tree,
} from '@peft/core';
import type { Tensor } from '@tensorflow/tfjs';
import { deepTanh, randomLayers, tanhBatch } from './deepTanh.ts';
import { squaredError } from './squaredError.ts';

/** Bytes a strategy's step works on, by kind. */
export type StateBytes = {
  readonly parameters: number;
  readonly gradients: number;
  readonly moments: number;
  readonly scores: number;
  /** What else the strategy keeps: masks. */
  readonly rest: number;
};

/** Bytes of tensors after some steps of a run on six tanh layers of width 64. */
export async function stateBytesAfter(
  strategy: AnyStrategy,
  { at, steps }: { readonly at: readonly number[]; readonly steps: number },
): Promise<readonly StateBytes[]> {
  const layers = randomLayers(1, { width: 64, count: 6 });
  const model = deepTanh(layers);
  const batch = tanhBatch(layers, 16, 2);
  const data: DataSource = {
    *batches() {
      while (true) yield batch;
    },
  };
  let gradients = 0;
  const watched: AnyStrategy = {
    ...strategy,
    update(call) {
      gradients = leavesOf(call.grads as Tree).reduce((sum, [, leaf]) => sum + bytesOf(leaf), 0);
      return strategy.update?.(call) ?? { params: call.after, state: call.state };
    },
  };
  const states: Promise<StateBytes>[] = [];
  const run = fineTune(model, {
    strategy: watched,
    targets: 'all-linear',
    loss: squaredError,
    data,
    steps,
    optimizer: adamw(),
    schedule: 1e-3,
    progress: false,
    onEvent: (event) => {
      if (event.type !== 'step' || !at.includes(event.step)) return;
      const own = gradients;
      states.push(run.state().then((state) => ({ ...bytesOfState(state), gradients: own })));
    },
  });
  const result = await run.result;
  const bytes = await Promise.all(states);
  result.dispose();
  model.weights.dispose();
  return bytes;
}

function bytesOfState({ tensors }: TrainingState): Omit<StateBytes, 'gradients'> {
  const sum = (matches: (path: string) => boolean) =>
    Object.entries(tensors).reduce(
      (total, [path, value]) => total + (typeof value === 'number' || !matches(path) ? 0 : value.data.byteLength),
      0,
    );
  const isScore = (path: string) => /^strategy\/.*averages\//.test(path);
  return {
    parameters: sum((path) => path.startsWith('adapter/')),
    moments: sum((path) => path.startsWith('slots/')),
    scores: sum(isScore),
    rest: sum((path) => path.startsWith('strategy/') && !isScore(path)),
  };
}

function bytesOf(tensor: Tensor): number {
  return 4 * tensor.size;
}
