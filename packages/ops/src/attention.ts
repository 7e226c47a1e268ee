import * as tf from '@tensorflow/tfjs';
import { PeftError } from './error.ts';
import { matMul } from './matMul.ts';
import { type Composition, operation } from './operation.ts';

export interface AttentionOptions {
  /** Added to the scores [..., queries, keys], by broadcasting: 0 keeps a key, a large negative number hides it. */
  readonly mask?: tf.Tensor;
  /** Whether a query sees only keys up to its own place, the last query being at the last key. */
  readonly causal?: boolean;
  /** Factor of the scores; 1 / sqrt(size of a query) unless given. */
  readonly scale?: number;
}

/** What is added to the score of a key that a causal query does not see. */
const HIDDEN = -1e9;

/** Of the scores, times their scale: what query and key multiply. */
const gradientOfScores: Composition<'value' | 'probabilities' | 'dy', { scale: number }> = operation({
  name: 'PeftAttentionGrad',
  compose: ({ value, probabilities, dy }, { scale }) => {
    const direct = matMul(tf.mul(dy, scale), value, false, true);
    // The product of dy and the output has this mean too, but rounds apart from `direct`: up to three times the error.
    const mean = tf.sum(tf.mul(direct, probabilities), -1, true);
    return tf.mul(probabilities, tf.sub(direct, mean));
  },
});

type Names = 'query' | 'key' | 'value' | 'mask';
type Attributes = { readonly scale: number; readonly causal: boolean };

const attend: Composition<Names, Attributes, tf.Tensor[]> = operation({
  name: 'PeftAttention',
  compose: (inputs, { scale, causal }) => {
    const { query, key, value, mask } = inputs as Readonly<Record<Exclude<Names, 'mask'>, tf.Tensor>> & {
      readonly mask?: tf.Tensor;
    };
    const scores = matMul(tf.mul(query, scale), key, false, true);
    const [queries, keys] = scores.shape.slice(-2) as [number, number];
    const added = [...(mask === undefined ? [] : [mask]), ...(causal ? [causalMask(queries, keys)] : [])];
    const [first, second] = added;
    const hides = first && second ? tf.add(first, second) : first;
    const probabilities = tf.softmax(hides ? tf.add(scores, hides) : scores);
    return [matMul(probabilities, value), probabilities];
  },
  results: ['output', 'probabilities'],
  gradient: {
    saves: ['query', 'key', 'value', 'probabilities'],
    of: (dy, { query, key, value, probabilities }, { scale }) => {
      // Not in a thunk: two share it, and tfjs frees what a thunk leaves. A graph drops it where nobody needs it.
      const dScores = gradientOfScores({ value, probabilities, dy }, { scale });
      return {
        query: () => matMul(dScores, key),
        key: () => matMul(dScores, query, true),
        value: () => matMul(probabilities, dy, true),
      };
    },
  },
});

/**
 * softmax(scale * query . key' + mask) . value over the last two axes.
 *
 * `query` [..., queries, size], `key` [..., keys, size], `value` [..., keys, width]: [..., queries, width]. Hide keys
 * with a finite number (-1e9): a row of -Infinity alone has no softmax. `mask` has no gradient.
 * @throws PeftError `ops/shape`, `ops/dtype`
 */
// biome-ignore lint/complexity/useMaxParams: query, key and value are the operation.
export function attention(
  query: tf.Tensor,
  key: tf.Tensor,
  value: tf.Tensor,
  { mask, causal = false, scale }: AttentionOptions = {},
): tf.Tensor {
  check({ query, key, value }, mask);
  const size = query.shape[query.rank - 1] as number;
  const inputs = mask === undefined ? { query, key, value } : { query, key, value, mask };
  const [output] = attend(inputs as Record<Names, tf.Tensor>, { scale: scale ?? 1 / Math.sqrt(size), causal });
  return output as tf.Tensor;
}

function causalMask(queries: number, keys: number): tf.Tensor {
  const own = tf.range(keys - queries, keys, 1, 'int32').reshape([queries, 1]);
  return tf.mul(tf.cast(tf.greater(tf.range(0, keys, 1, 'int32'), own), 'float32'), HIDDEN);
}

function check({ query, key, value }: Readonly<Record<'query' | 'key' | 'value', tf.Tensor>>, mask?: tf.Tensor): void {
  const [queryAxes, keyAxes, valueAxes] = [query.shape, key.shape, value.shape];
  const agree =
    `${keyAxes.slice(0, -2)}` === `${queryAxes.slice(0, -2)}` &&
    `${valueAxes.slice(0, -1)}` === `${keyAxes.slice(0, -1)}` &&
    keyAxes.at(-1) === queryAxes.at(-1);
  if (query.rank < 2 || !agree) {
    throw new PeftError(
      'ops/shape',
      `attention of query [${queryAxes}], key [${keyAxes}] and value [${valueAxes}] does not fit: ` +
        'it takes [..., queries, size], [..., keys, size] and [..., keys, width].',
    );
  }
  const scores = [...queryAxes.slice(0, -1), keyAxes.at(-2) as number];
  if (mask === undefined || isBroadcastTo(mask.shape, scores)) return;
  throw new PeftError(
    'ops/shape',
    `attention mask [${mask.shape}] does not broadcast to the scores [${scores}]; reshape it.`,
  );
}

function isBroadcastTo(shape: readonly number[], wide: readonly number[]): boolean {
  const ahead = wide.length - shape.length;
  return ahead >= 0 && shape.every((length, axis) => length === 1 || length === wide[axis + ahead]);
}
