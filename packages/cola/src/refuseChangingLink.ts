import { type AnyAdapter, type AnyStrategy, type Context, PeftError } from '@peft/core';
import * as tf from '@tensorflow/tfjs';

// An initialisation may be the identity only to rounding (orthogonal factors, DoRA's quotient of equal norms).
const tolerance = 1e-5;

/** Refuses a link that changes the weights before it has learned anything: merging it would make the knot visible. */
export function refuseChangingLink(strategy: AnyStrategy, fresh: AnyAdapter, context: Context): void {
  const changes = context.targets.map((target) => {
    const change = tf.tidy(() => {
      const weight = context.weightOf(target);
      const difference = tf.norm(tf.sub(strategy.merge(fresh, target, weight), weight));
      return tf.div(difference, tf.add(tf.norm(weight), 1e-30)).dataSync()[0] as number;
    });
    return [target.path, change] as const;
  });
  const changing = changes.filter(([, change]) => !(change <= tolerance));
  if (changing.length === 0) return;
  const said = changing.map(([path, change]) => `"${path}" by ${change.toPrecision(3)} of its norm`).join(', ');
  throw new PeftError(
    'chain/link-changes',
    `cola: a fresh link of ${strategy.name} changes ${said}; a link must start as the identity. Use an initialisation with a zero delta.`,
  );
}
