import { PeftError } from '@peft/ops';
import type { AnyStrategy } from './strategy.ts';

/** Adapts nothing: a run without a strategy trains modulesToSave and biases alone. */
export const noStrategy: AnyStrategy = {
  name: 'none',
  init: () => ({ params: {}, state: {} }),
  forward: (_adapter, target) => {
    throw new PeftError('internal/no-strategy', `internal: target "${target.path}" is adapted by no strategy.`);
  },
  merge: (_adapter, _target, weight) => weight,
};
