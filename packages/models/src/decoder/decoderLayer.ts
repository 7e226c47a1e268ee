import type { At } from '@peft/core';
import { attention, gather } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { type Activation, activations } from '../activation.ts';
import { norm } from '../norm.ts';

export type DecoderLayerCall = {
  readonly paths: Readonly<
    Record<'attentionNorm' | 'attentionOutput' | 'outputNorm' | 'intermediate' | 'output', string>
  >;
  readonly activation: Activation;
  readonly epsilon: number;
  /** Whether each half is normalized before (GPT-2, most OPT) or after its sum (OPT-350m). */
  readonly isNormFirst: boolean;
  /** Queries, keys and values [sequences, heads, length, size] of rows [sequences * length, hidden]. */
  readonly split: (rows: tf.Tensor) => readonly [query: tf.Tensor, key: tf.Tensor, value: tf.Tensor];
  /** Added to the scores, [sequences, 1, 1, length]; later tokens are hidden without it. */
  readonly mask: tf.Tensor | undefined;
  /** Factor of the scores. */
  readonly scale: number;
  /** The rows that anything reads after this layer, int32 [n]; all where left out. */
  readonly rows?: tf.Tensor | undefined;
};

/** One layer of a decoder over tokens [sequences * length, hidden]: the same tokens, or those of `rows`. */
export function decoderLayer(tokens: tf.Tensor, at: At, call: DecoderLayerCall): tf.Tensor {
  const { paths, isNormFirst, epsilon, rows } = call;
  const normalized = (path: string, x: tf.Tensor) => norm(x, at, { path, epsilon });
  const before = (path: string, x: tf.Tensor) => (isNormFirst ? normalized(path, x) : x);
  const after = (path: string, x: tf.Tensor) => (isNormFirst ? x : normalized(path, x));
  const wanted = (x: tf.Tensor) => (rows ? gather(x, rows) : x);

  const mixed = wanted(mix(before(paths.attentionNorm, tokens), call));
  const attended = after(paths.attentionNorm, tf.add(wanted(tokens), at.linear(paths.attentionOutput, mixed)));
  const intermediate = activations[call.activation](at.linear(paths.intermediate, before(paths.outputNorm, attended)));
  return after(paths.outputNorm, tf.add(attended, at.linear(paths.output, intermediate)));
}

/** Attention in several heads, before its output projection: [sequences * length, hidden]. */
function mix(rows: tf.Tensor, { split, mask, scale }: DecoderLayerCall): tf.Tensor {
  const [query, key, value] = split(rows);
  return attention(query, key, value, { ...(mask && { mask }), causal: true, scale })
    .transpose([0, 2, 1, 3])
    .reshape(rows.shape);
}
