import {
  type AnyAdapter,
  type AnyModel,
  type AnyStrategy,
  attach,
  combinedFactors,
  type Engine,
  type TrainedAdapter,
  toTensor,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { lowRankPairs, type PairParams } from './lowRankPairs.ts';

/** An adapter in the form in which it is added to others: its whole change, finished links included. */
export type PreparedAdapter = {
  readonly trained: TrainedAdapter;
  readonly strategy: AnyStrategy;
  readonly adapter: AnyAdapter;
  /** By target path, the weights after a chain's knots, where the change is no low-rank pair. */
  readonly bases: Readonly<Record<string, tf.Tensor>>;
  /** Frees what was made; the trained adapter stays as it is. */
  dispose(): void;
};

/** Additive adapters become low-rank pairs, chains among them; of others, the weights after their knots are copied. */
export async function prepareAdapter(
  model: AnyModel,
  trained: TrainedAdapter,
  engine?: Engine,
): Promise<PreparedAdapter> {
  if (trained.strategy.factors) {
    const params = pairsOf(trained);
    const dispose = () => tf.dispose(params as tf.TensorContainer);
    return { trained, strategy: lowRankPairs as AnyStrategy, adapter: { params, state: {} }, bases: {}, dispose };
  }
  const bases = trained.finished.length > 0 ? await weightsAfterKnots(model, trained, engine) : {};
  const dispose = () => tf.dispose(bases);
  return { trained, strategy: trained.strategy, adapter: trained.adapter, bases, dispose };
}

function pairsOf(trained: TrainedAdapter): PairParams {
  return Object.fromEntries(
    trained.targets.flatMap((target) => {
      const pair = combinedFactors(trained, target);
      return pair ? [[target.path, pair]] : [];
    }),
  );
}

async function weightsAfterKnots(model: AnyModel, trained: TrainedAdapter, engine?: Engine) {
  const { weights, dispose } = await attach(model, trained, engine);
  const written = new Set(weights.written);
  const changed = trained.targets.filter(({ path }) => written.has(`${path}.weight`));
  const bases = Object.fromEntries(changed.map(({ path }) => [path, toTensor(weights.get(`${path}.weight`))]));
  dispose();
  return bases;
}
