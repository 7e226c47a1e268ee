import { type AnyModel, type Engine, PeftError, rowTensors, type TrainedAdapter } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { checkAdapter } from './checkAdapter.ts';
import { prepareAdapter } from './prepareAdapter.ts';
import { requireWeight } from './requireWeight.ts';
import { type Weighted, weightedSum } from './weightedSum.ts';

/** Adapters as one, which lives on tensors of theirs: they must outlive it. */
export type AdapterSum = {
  readonly adapter: TrainedAdapter;
  /** Frees what the sum made; its parts stay as they are. */
  dispose(): void;
};

/**
 * Trained adapters of any methods as one adapter of their base: W + the sum of weight times (merged_i - W). So `attach`,
 * `evaluate`, `mergeAdapter`, `exportOnnx` and `saveAdapter` take it; a file holds it as one exact LoRA where every part
 * is additive. One adapter with weight 1 is given back as it is.
 * @throws PeftError `adapters/weight`, `adapters/targets`, `model/fingerprint`, `adapters/disposed-tensors`
 */
export async function sumAdapters(
  model: AnyModel,
  parts: readonly { readonly adapter: TrainedAdapter; readonly weight?: number }[],
  engine?: Engine,
): Promise<AdapterSum> {
  if (!Array.isArray(parts)) {
    throw new PeftError('adapters/choice', 'sumAdapters: the parts are no list; pass [{ adapter, weight }].');
  }
  for (const [index, part] of parts.entries()) {
    const { adapter, weight = 1 } = part ?? {};
    requireWeight(weight, `sumAdapters: the weight of adapter ${index}`);
    checkAdapter(model, adapter, `sumAdapters: adapter ${index}`);
  }
  const weighted: Weighted[] = [];
  const free = () => {
    for (const { prepared } of weighted) prepared.dispose();
  };
  try {
    for (const { adapter, weight = 1 } of parts) {
      weighted.push({ prepared: await prepareAdapter(model, adapter, engine), weight });
    }
  } catch (error) {
    free();
    throw error;
  }
  const sum = sumOfPrepared(model, weighted);
  return {
    adapter: sum.adapter,
    dispose() {
      sum.dispose();
      free();
    },
  };
}

/** The sum of prepared adapters; its own tensors belong to the scope it is called in, or to whom disposes it. */
export function sumOfPrepared(model: AnyModel, parts: readonly Weighted[]): AdapterSum {
  const [only, ...more] = parts;
  if (only && more.length === 0 && only.weight === 1) return { adapter: only.prepared.trained, dispose() {} };
  const adapter = weightedSum(model, parts);
  const { weights } = adapter.adapter.state;
  return {
    adapter,
    dispose: () => tf.dispose([weights, adapter.trained, rowTensors(adapter.tokenRows)] as tf.TensorContainer),
  };
}
