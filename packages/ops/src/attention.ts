import * as tf from '@tensorflow/tfjs';
import { PeftError } from './error.ts';
import { matMul } from './matMul.ts';

export interface AttentionOptions {
  /** Added to the scores [..., queries, keys], by broadcasting: 0 keeps a key, a large negative number hides it. */
  readonly mask?: tf.Tensor;
  /** Factor of the scores; 1 / sqrt(size of a query) unless given. */
  readonly scale?: number;
}

/**
 * softmax(scale * query . key' + mask) . value over the last two axes.
 *
 * `query` [..., queries, size], `key` [..., keys, size], `value` [..., keys, width]: [..., queries, width]. Hide keys
 * with a finite number (-1e9): a row of -Infinity alone has no softmax.
 * @throws PeftError `ops/shape`, `ops/dtype`
 */
// biome-ignore lint/complexity/useMaxParams: query, key and value are the operation.
export function attention(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  { mask, scale }: AttentionOptions = {},
): tf.Tensor {
  check({ query, key, value });
  const size = query.shape[query.rank - 1] as number;
  const scores = matMul(tf.mul(query, scale ?? 1 / Math.sqrt(size)), key, false, true);
  return matMul(tf.softmax(mask === undefined ? scores : tf.add(scores, mask)), value);
}

function check({ query, key, value }: { query: tf.Tensor; key: tf.Tensor; value: tf.Tensor }): void {
  const [queryAxes, keyAxes, valueAxes] = [query.shape, key.shape, value.shape];
  const agree =
    `${keyAxes.slice(0, -2)}` === `${queryAxes.slice(0, -2)}` &&
    `${valueAxes.slice(0, -1)}` === `${keyAxes.slice(0, -1)}` &&
    keyAxes.at(-1) === queryAxes.at(-1);
  if (query.rank >= 2 && agree) return;
  throw new PeftError(
    'ops/shape',
    `attention of query [${queryAxes}], key [${keyAxes}] and value [${valueAxes}] does not fit: ` +
      'it takes [..., queries, size], [..., keys, size] and [..., keys, width].',
  );
}
