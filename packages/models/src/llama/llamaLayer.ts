import type { At } from '@peft/core';
import { attention, gather, rmsNorm, rotary, silu } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import type { LlamaConfig } from './llamaConfig.ts';
import type { llamaPaths } from './llamaPaths.ts';

export type LlamaLayerCall = Pick<LlamaConfig, 'heads' | 'keyHeads' | 'headSize' | 'epsilon'> & {
  readonly paths: ReturnType<typeof llamaPaths.layer>;
  /** How many sequences the tokens belong to; all are equally long. */
  readonly sequences: number;
  /** Cosines and sines of each place's angles, [length, headSize / 2]. */
  readonly angles: readonly [cos: tf.Tensor, sin: tf.Tensor];
  /** Added to the scores, [sequences, 1, 1, length]; later tokens are hidden without it. */
  readonly mask: tf.Tensor | undefined;
  /** The rows that anything reads after this layer, int32 [n]; all where left out. */
  readonly rows?: tf.Tensor | undefined;
};

/** One layer of a Llama over tokens [sequences * length, hidden]: the same tokens, or those of `rows`. */
export function llamaLayer(tokens: tf.Tensor, at: At, call: LlamaLayerCall): tf.Tensor {
  const { paths, epsilon, rows } = call;
  const normalized = (path: string, x: tf.Tensor) => rmsNorm(x, at.parameter(`${path}.weight`), epsilon);
  const wanted = (x: tf.Tensor) => (rows ? gather(x, rows) : x);

  const mixed = wanted(mix(normalized(paths.attentionNorm, tokens), at, call));
  const attended = tf.add(wanted(tokens), at.linear(paths.attentionOutput, mixed));
  const x = normalized(paths.outputNorm, attended);
  const gated = tf.mul(silu(at.linear(paths.gate, x)), at.linear(paths.up, x));
  return tf.add(attended, at.linear(paths.down, gated));
}

/** Attention in several heads, before its output projection: [sequences * length, heads * headSize]. */
function mix(rows: tf.Tensor, at: At, call: LlamaLayerCall): tf.Tensor {
  const { paths, sequences, heads, keyHeads, headSize, angles, mask } = call;
  const split = (path: string, count: number) =>
    at.linear(path, rows).reshape([sequences, -1, count, headSize]).transpose([0, 2, 1, 3]);
  const shared = (x: tf.Tensor) => (keyHeads === heads ? x : repeated(x, heads / keyHeads));
  const query = rotary(split(paths.query, heads), ...angles);
  const key = shared(rotary(split(paths.key, keyHeads), ...angles));
  const value = shared(split(paths.value, keyHeads));
  return attention(query, key, value, { ...(mask && { mask }), causal: true, scale: 1 / Math.sqrt(headSize) })
    .transpose([0, 2, 1, 3])
    .reshape([-1, heads * headSize]);
}

/** Each head `times` times, one after another: [sequences, heads * times, length, size]. */
function repeated(x: tf.Tensor, times: number): tf.Tensor {
  const [sequences, heads, length, size] = x.shape as [number, number, number, number];
  // tfjs has no gradient of a tile of five axes.
  const flat = x.reshape([sequences * heads, 1, length * size]);
  return tf.tile(flat, [1, times, 1]).reshape([sequences, heads * times, length, size]);
}
