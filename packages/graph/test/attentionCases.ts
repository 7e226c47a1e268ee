import * as ops from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import type { OpCase } from './opCases.ts';

type Attributes = { readonly scale: number; readonly causal: boolean; readonly tokensFirst: boolean };
type Attended = 'query' | 'key' | 'value' | 'mask';
type Reread = Attended | 'output' | 'statistics' | 'dy';

const exchange = (x: tf.Tensor, { tokensFirst }: Attributes) => (tokensFirst ? tf.transpose(x, [0, 2, 1, 3]) : x);

/** scale * query . key' + mask, heads first. */
function scoresOf({ query, key, mask }: Readonly<Record<Attended, tf.Tensor>>, attributes: Attributes): tf.Tensor {
  const [q, k] = [query, key].map((each) => exchange(each, attributes)) as [tf.Tensor, tf.Tensor];
  const scores = tf.mul(tf.matMul(q, k, false, true), attributes.scale);
  const [queries, keys] = scores.shape.slice(-2) as [number, number];
  const isLater = tf.greater(tf.range(0, keys), tf.add(tf.reshape(tf.range(0, queries), [queries, 1]), keys - queries));
  const later = tf.mul(tf.cast(isLater, 'float32'), attributes.causal ? -1e9 : 0);
  return tf.add(scores, mask ? tf.add(mask, later) : later);
}

const attend: ops.Composition<Attended, Attributes, tf.Tensor[]> = ops.operation({
  name: 'PeftFlashAttention',
  compose: (inputs, attributes) => {
    const scores = scoresOf(inputs, attributes);
    const most = tf.max(scores, -1, true);
    const raised = tf.exp(tf.sub(scores, most));
    const sum = tf.sum(raised, -1, true);
    const output = tf.matMul(tf.div(raised, sum), exchange(inputs.value, attributes));
    return [exchange(output, attributes), tf.concat([most, sum], -1)];
  },
});

const gradients: ops.Composition<Reread, Attributes, tf.Tensor[]> = ops.operation({
  name: 'PeftFlashAttentionGrad',
  compose: (inputs, attributes) => {
    const [most, sum] = tf.split(inputs.statistics, 2, -1) as [tf.Tensor, tf.Tensor];
    const shares = tf.div(tf.exp(tf.sub(scoresOf(inputs, attributes), most)), sum);
    const [query, key, value, output, dy] = (['query', 'key', 'value', 'output', 'dy'] as const).map((name) =>
      exchange(inputs[name], attributes),
    ) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const delta = tf.sum(tf.mul(dy, output), -1, true);
    const direct = tf.sub(tf.matMul(dy, value, false, true), delta);
    const dScores = tf.mul(tf.mul(shares, direct), attributes.scale);
    return [tf.matMul(dScores, key), tf.matMul(dScores, query, true), tf.matMul(shares, dy, true)].map((each) =>
      exchange(each, attributes),
    );
  },
});

const size = fc.integer({ min: 1, max: 4 });

const flashCases = fc
  .record({ queries: size, keys: size, causal: fc.boolean(), hasMask: fc.boolean(), tokensFirst: fc.boolean() })
  .map(({ queries, keys, hasMask, ...flags }) => {
    const shapeOf = (tokens: number, width: number) =>
      flags.tokensFirst ? [1, tokens, 2, width] : [1, 2, tokens, width];
    const shapes = [shapeOf(queries, 4), shapeOf(keys, 4), shapeOf(keys, 3)];
    const mask = () => (hasMask ? { mask: tf.sin(tf.range(0, 2 * keys)).reshape([2, 1, keys]) } : {});
    const attributes = { ...flags, causal: flags.causal && queries <= keys, scale: 0.6 };
    return { shapes, output: shapeOf(queries, 3), statistics: [1, 2, queries, 2], attributes, mask };
  });

const floats = (shapes: readonly (readonly number[])[]) => shapes.map((shape) => ({ shape, kind: 'float' as const }));

/** Uses of attention, whole and without its probabilities, which only a pass makes. */
export const attentionCases: Readonly<Record<string, fc.Arbitrary<Omit<OpCase, 'name'>>>> = {
  PeftAttention: fc.tuple(size, size, fc.boolean(), fc.boolean()).map(([queries, keys, causal, hasMask]) => ({
    inputs: [
      { shape: [2, queries, 4], kind: 'float' as const },
      { shape: [2, keys, 4], kind: 'float' as const },
      { shape: [2, keys, 3], kind: 'float' as const },
    ],
    run: (q, k, v) => {
      const mask = tf.sin(tf.range(0, 2 * keys)).reshape([2, 1, keys]);
      const options = { causal: causal && queries <= keys, ...(hasMask ? { mask } : {}) };
      return ops.attention(q as tf.Tensor, k as tf.Tensor, v as tf.Tensor, options);
    },
    hasGradient: true,
  })),
  PeftFlashAttention: flashCases.map(({ shapes, attributes, mask }) => ({
    inputs: floats(shapes),
    run: (query, key, value) => attend({ query, key, value, ...mask() } as never, attributes),
    hasGradient: false,
  })),
  PeftFlashAttentionGrad: flashCases.map(({ shapes, output, statistics, attributes, mask }) => ({
    inputs: [...floats([...shapes, output, output]), { shape: statistics, kind: 'positive' as const }],
    run: (...all) => {
      const [query, key, value, made, dy, numbers] = all;
      const statistics = tf.add(numbers as tf.Tensor, 6);
      return gradients({ query, key, value, output: made, statistics, dy, ...mask() } as never, attributes);
    },
    hasGradient: false,
  })),
};
