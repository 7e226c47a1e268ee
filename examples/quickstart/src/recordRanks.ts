import type { AnyStrategy } from '@peft/core';
import * as tf from '@tensorflow/tfjs';

/** How many rank-one parts of a target's change are alive after a step. */
export type RankRecord = { readonly step: number; readonly ranks: Readonly<Record<string, number>> };

export type RecordRanksOptions = {
  readonly every: number;
  readonly onRecord: (record: RankRecord) => void;
};

/** The same strategy, observed: works for every strategy whose change is a product of two factors. */
export function recordRanks(strategy: AnyStrategy, { every, onRecord }: RecordRanksOptions): AnyStrategy {
  const { factors } = strategy;
  if (!factors) return strategy;
  return {
    ...strategy,
    advance(context, adapter, clock) {
      if (clock.step % every === 0 || clock.step === clock.totalSteps) {
        const ranks = context.targets.map((target) => [
          target.path,
          liveRanks(() => factors.call(strategy, adapter, target)),
        ]);
        onRecord({ step: clock.step, ranks: Object.fromEntries(ranks) });
      }
      return strategy.advance?.(context, adapter, clock);
    },
  };
}

function liveRanks(factors: () => ReturnType<NonNullable<AnyStrategy['factors']>>): number {
  return tf.tidy(() => {
    const pair = factors();
    if (!pair) return 0;
    const strength = tf.mul(tf.sum(tf.abs(pair.a), 0), tf.sum(tf.abs(pair.b), 1));
    return tf.sum(tf.cast(tf.greater(strength, 0), 'int32')).dataSync()[0] as number;
  });
}
