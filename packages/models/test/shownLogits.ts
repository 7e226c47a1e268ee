import { type AnyModel, attach, type HostArray, type TensorBatch, type TrainedAdapter, toTensor } from '@peft/core';
import * as tf from '@tensorflow/tfjs';

export type Columns = Readonly<Record<string, HostArray>>;

/** The logits of tokens that are shown; what padding is told means nothing. Those of whole rows stay as they are. */
export async function shownLogits(columns: Columns, apply: (batch: TensorBatch) => tf.Tensor): Promise<Float32Array> {
  const logits = tf.tidy(() => {
    const batch = Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, toTensor(column)]));
    const output = apply(batch);
    return output.rank === 3 ? tf.mul(output, tf.expandDims(batch.attentionMask as tf.Tensor, -1)) : output;
  });
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}

/** The same of a model with an adapter on it. */
export async function adaptedLogits(columns: Columns, model: AnyModel, adapter: TrainedAdapter): Promise<Float32Array> {
  const adapted = await attach(model, adapter);
  const values = await shownLogits(columns, (batch) => adapted.apply(batch));
  adapted.dispose();
  return values;
}
