import { type AnyModel, type Engine, replaceRows, type Target, type TrainedAdapter } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { checkAdapter } from './checkAdapter.ts';
import { type PreparedAdapter, prepareAdapter } from './prepareAdapter.ts';

/** How much of one weight is changed, in Frobenius norms. */
export type WeightChange = {
  /** Path of the parameter. */
  readonly path: string;
  /** Norm of the change: 0 where merging it does nothing. */
  readonly change: number;
  /** Norm of the base's weight. */
  readonly base: number;
  /** change / base; of a base of zeros infinite, or NaN where nothing is changed either. */
  readonly relative: number;
};

/** What an adapter does to its base, as plain data. */
export type AdapterDescription = {
  /** Name of its strategy. */
  readonly method: string;
  /** Links that its training merged. */
  readonly finishedLinks: number;
  /** Adapted weights. */
  readonly adapted: readonly WeightChange[];
  /** Parameters trained whole, and tables of which rows are. */
  readonly trained: readonly WeightChange[];
};

/** How much an adapter changes each weight of its base, finished links included. */
export async function describeAdapter(
  model: AnyModel,
  trained: TrainedAdapter,
  engine?: Engine,
): Promise<AdapterDescription> {
  checkAdapter(model, trained, 'describeAdapter: the adapter');
  const prepared = await prepareAdapter(model, trained, engine);
  try {
    return await describePrepared(model, prepared);
  } finally {
    prepared.dispose();
  }
}

export async function describePrepared(model: AnyModel, prepared: PreparedAdapter): Promise<AdapterDescription> {
  const { strategy, targets, finished, trained, tokenRows } = prepared.trained;
  const adapted: WeightChange[] = [];
  for (const target of targets) {
    const path = `${target.path}.weight`;
    adapted.push(await measure(path, model.weights.tensor(path), (weight) => deltaOf(prepared, target, weight)));
  }
  const whole: WeightChange[] = [];
  for (const [path, tensor] of Object.entries(trained).sort(([left], [right]) => (left < right ? -1 : 1))) {
    whole.push(await measure(path, model.weights.tensor(path), (weight) => tf.sub(tensor, weight)));
  }
  for (const [table, rows] of Object.entries(tokenRows)) {
    const path = `${table}.weight`;
    whole.push(await measure(path, model.weights.tensor(path), (weight) => tf.sub(replaceRows(weight, rows), weight)));
  }
  return { method: strategy.name, finishedLinks: finished.length, adapted, trained: whole };
}

/** merge(weight) - weight; of a low-rank pair, the product itself, which a sum with the weight would round. */
function deltaOf({ strategy, adapter, bases }: PreparedAdapter, target: Target, weight: tf.Tensor): tf.Tensor {
  if (strategy.factors) return strategy.merge(adapter, target, tf.zerosLike(weight));
  const base = Object.hasOwn(bases, target.path) ? bases[target.path] : undefined;
  return tf.sub(strategy.merge(adapter, target, base ?? weight), weight);
}

async function measure(
  path: string,
  weight: tf.Tensor,
  delta: (weight: tf.Tensor) => tf.Tensor,
): Promise<WeightChange> {
  const norms = tf.tidy(() => tf.stack([tf.norm(delta(weight)), tf.norm(weight)]));
  const [change, base] = (await norms.data()) as unknown as [number, number];
  norms.dispose();
  return { path, change, base, relative: change / base };
}
