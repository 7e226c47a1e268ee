import { type AnyAdapter, type AnyStrategy, type Context, layerKindOf, PeftError, type Target } from '@peft/core';
import * as tf from '@tensorflow/tfjs';

// An initialisation may be the identity only to rounding (orthogonal factors, DoRA's quotient of equal norms).
const tolerance = 1e-5;

/** Refuses a link that changes the weights before it has learned anything: merging it would make the knot visible. */
export function refuseChangingLink(strategy: AnyStrategy, fresh: AnyAdapter, context: Context): void {
  const changes = context.targets.map((target) => {
    const change = normOf(() => changeOf(strategy, fresh, { context, target }));
    return [
      target.path,
      change === 0 ? 0 : change / (normOf(() => tf.clone(context.weightOf(target))) + 1e-30),
    ] as const;
  });
  const changing = changes.filter(([, change]) => !(change <= tolerance));
  if (changing.length === 0) return;
  const said = changing.map(([path, change]) => `"${path}" by ${change.toPrecision(3)} of its norm`).join(', ');
  throw new PeftError(
    'chain/link-changes',
    `cola: a fresh link of ${strategy.name} changes ${said}; a link must start as the identity. Use an initialisation with a zero delta.`,
  );
}

/** What the fresh adapter adds to the weight; undefined at rank 0. Factors spare the copies that a merge needs. */
function changeOf(
  strategy: AnyStrategy,
  fresh: AnyAdapter,
  { context, target }: { readonly context: Context; readonly target: Target },
): tf.Tensor | undefined {
  if (strategy.factors) {
    const pair = strategy.factors(fresh, target);
    return pair && layerKindOf(target).delta(pair.a, pair.b);
  }
  const weight = tf.tidy(() => tf.clone(context.weightOf(target)));
  return tf.sub(strategy.merge(fresh, target, weight), weight);
}

// On the host, where a knot reads the merged weights too: squares on the backend would be a second matrix.
function normOf(make: () => tf.Tensor | undefined): number {
  const tensor = tf.tidy(() => make() ?? tf.scalar(0));
  let sum = 0;
  for (const value of tensor.dataSync()) sum += value * value;
  tensor.dispose();
  return Math.sqrt(sum);
}
