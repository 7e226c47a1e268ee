import { fold } from '@peft/ops';
import type { AnyStrategy, Context } from '../src/strategy.ts';
import { toyStrategy } from '../src/testing/toyStrategy.ts';

/** A toy strategy that merges itself and begins anew after every `length` steps, the last included. */
export function withKnots(length: number): AnyStrategy {
  const toy = toyStrategy() as AnyStrategy;
  const begin = (context: Context, index: number) => ({
    params: toy.init({ ...context, seed: fold(context.seed, index) }).params,
    state: { index },
  });
  const knots: AnyStrategy = {
    ...toy,
    name: 'knots',
    init: (context) => begin(context, 0),
    advance(context, adapter, { step }) {
      if (step % length !== 0) return undefined;
      const { targets } = context;
      return Promise.resolve({
        ...begin(context, (adapter.state.index as number) + 1),
        effects: [
          { kind: 'merge', targets, adapter, strategy: toy, source: 'link' },
          { kind: 'restart', targets },
        ],
      });
    },
    lifeOf: (state, clock) => ({ step: clock.step - (state.index as number) * length, totalSteps: length }),
    part: (key) => (key === 'link' ? toy : undefined),
  };
  return knots;
}
