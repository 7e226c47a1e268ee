import { adamw, attention, fold, gather, gelu, layerNorm, matMul, softmaxCrossEntropy, uniforms } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import type { Captured, InputTypes, OutputTree } from '../src/index.ts';

export interface BertSizes {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly vocabulary: number;
  readonly batch: number;
  readonly sequence: number;
  readonly rank: number;
}

export const bertBase: BertSizes = {
  layers: 12,
  hidden: 768,
  heads: 12,
  vocabulary: 30522,
  batch: 8,
  sequence: 128,
  rank: 8,
};

export const tinyBert: BertSizes = {
  layers: 2,
  hidden: 16,
  heads: 2,
  vocabulary: 40,
  batch: 3,
  sequence: 5,
  rank: 2,
};

type Tensors = Readonly<Record<string, tf.Tensor>>;

const longest = 512;

/** Shapes of the frozen weights of an encoder of BERT's form, by name. */
export function bertShapes({ layers, hidden, vocabulary }: BertSizes): Readonly<Record<string, readonly number[]>> {
  const norm = (path: string) => [
    [`${path}.gain`, [hidden]],
    [`${path}.bias`, [hidden]],
  ];
  const linear = (path: string, from: number, to: number) => [
    [`${path}.weight`, [from, to]],
    [`${path}.bias`, [to]],
  ];
  return Object.fromEntries([
    ['tokens', [vocabulary, hidden]],
    ['positions', [longest, hidden]],
    ...norm('norm'),
    ...Array.from({ length: layers }, (_, layer) => [
      ...['query', 'key', 'value', 'output'].flatMap((name) => linear(`${layer}.${name}`, hidden, hidden)),
      ...linear(`${layer}.up`, hidden, 4 * hidden),
      ...linear(`${layer}.down`, 4 * hidden, hidden),
      ...norm(`${layer}.attended`),
      ...norm(`${layer}.made`),
    ]).flat(),
  ]);
}

const leavesOf = ({ layers, hidden, rank }: BertSizes): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries([
    ...Array.from({ length: layers }, (_, layer) =>
      ['query', 'value'].flatMap((name) => [
        [`${layer}.${name}.a`, [hidden, rank]],
        [`${layer}.${name}.b`, [rank, hidden]],
      ]),
    ).flat(),
    ['classifier', [hidden, 2]],
  ]);

/** One LoRA step of an encoder of BERT's form: query and value adapted, a head of two classes, AdamW. */
export function bertStep(sizes: BertSizes, weights: Readonly<Record<string, Float32Array>>) {
  const shapes = bertShapes(sizes);
  const weight = (name: string) => tf.tensor(weights[name] as Float32Array, [...(shapes[name] as number[])]);
  const loss = (leaves: Tensors, batch: Tensors) => {
    const hidden = bertForward(sizes, { weight, leaves, ids: batch.ids as tf.Tensor, mask: batch.mask as tf.Tensor });
    const first = tf.reshape(tf.slice(hidden, [0, 0, 0], [-1, 1, -1]), [-1, sizes.hidden]);
    const logits = matMul(first, leaves.classifier as tf.Tensor);
    return tf.div(softmaxCrossEntropy(logits, batch.labels as tf.Tensor), sizes.batch) as tf.Scalar;
  };
  const run = (given: Captured<InputTypes>): OutputTree => {
    const { leaves, m, v, batch, scalars } = given as unknown as Record<
      'leaves' | 'm' | 'v' | 'batch' | 'scalars',
      Tensors
    >;
    const names = Object.keys(leaves);
    const { value, grads } = tf.valueAndGrads((...list: tf.Tensor[]) =>
      loss(Object.fromEntries(list.map((leaf, index) => [names[index], leaf])), batch),
    )(Object.values(leaves));
    const norm = tf.sqrt(tf.addN(grads.map((grad) => tf.sum(tf.square(grad)))));
    const factor = tf.minimum(tf.div(1, tf.add(norm, 1e-6)), 1);
    const next = names.map((name, index) =>
      adamw(
        {
          param: leaves[name] as tf.Tensor,
          grad: tf.mul(grads[index] as tf.Tensor, factor),
          m: m[name] as tf.Tensor,
          v: v[name] as tf.Tensor,
        },
        scalars as never,
        { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
      ),
    );
    const tree = (part: 'param' | 'm' | 'v') =>
      Object.fromEntries(names.map((name, index) => [name, next[index]?.[part]]));
    return { leaves: tree('param'), m: tree('m'), v: tree('v'), loss: value } as OutputTree;
  };
  return { run, inputs: bertInputs(sizes), parameters: weights };
}

interface Forward {
  readonly weight: (name: string) => tf.Tensor;
  readonly leaves: Tensors;
  readonly ids: tf.Tensor;
  readonly mask: tf.Tensor;
}

/** Token states [batch, sequence, hidden] of ids and mask [batch, sequence]. */
export function bertForward({ layers, hidden, heads }: BertSizes, { weight, leaves, ids, mask }: Forward): tf.Tensor {
  const [batch, sequence] = ids.shape as [number, number];
  const norm = (path: string, x: tf.Tensor) => layerNorm(x, weight(`${path}.gain`), weight(`${path}.bias`), 1e-12);
  const linear = (path: string, x: tf.Tensor) => {
    const base = tf.add(matMul(x, weight(`${path}.weight`)), weight(`${path}.bias`));
    const a = leaves[`${path}.a`];
    if (!a) return base;
    return tf.add(base, tf.mul(matMul(matMul(x, a), leaves[`${path}.b`] as tf.Tensor), 2));
  };
  const split = (x: tf.Tensor) => tf.transpose(tf.reshape(x, [batch, sequence, heads, hidden / heads]), [0, 2, 1, 3]);
  const hide = tf.mul(tf.sub(1, tf.cast(tf.reshape(mask, [batch, 1, 1, sequence]), 'float32')), -1e9);
  const places = gather(weight('positions'), tf.range(0, sequence, 1, 'int32'));
  const embedded = norm('norm', tf.add(gather(weight('tokens'), ids), places));
  let x: tf.Tensor = tf.reshape(embedded, [batch * sequence, hidden]);
  for (let layer = 0; layer < layers; layer++) {
    const [query, key, value] = ['query', 'key', 'value'].map((name) => split(linear(`${layer}.${name}`, x))) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const mixed = tf.reshape(tf.transpose(attention(query, key, value, { mask: hide }), [0, 2, 1, 3]), [-1, hidden]);
    const attended = norm(`${layer}.attended`, tf.add(linear(`${layer}.output`, mixed), x));
    x = norm(`${layer}.made`, tf.add(linear(`${layer}.down`, gelu(linear(`${layer}.up`, attended))), attended));
  }
  return tf.reshape(x, [batch, sequence, hidden]);
}

function bertInputs(sizes: BertSizes) {
  const { batch, sequence } = sizes;
  const typed = (shape: readonly number[], dtype = 'float32') => ({ shape, dtype });
  const leaves = Object.fromEntries(Object.entries(leavesOf(sizes)).map(([name, shape]) => [name, typed(shape)]));
  return {
    leaves,
    m: leaves,
    v: leaves,
    batch: {
      ids: typed([batch, sequence], 'int32'),
      mask: typed([batch, sequence], 'int32'),
      labels: typed([batch], 'int32'),
    },
    scalars: { learningRate: typed([]), correction1: typed([]), correction2: typed([]) },
  } satisfies InputTypes;
}

/** Weights that nobody reads, for sizes alone. */
export function emptyWeights(sizes: BertSizes): Record<string, Float32Array> {
  return weightsBy(sizes, (size) => new Float32Array(size));
}

/** Weights of small even numbers. */
export function evenWeights(sizes: BertSizes): Record<string, Float32Array> {
  return weightsBy(sizes, (size, name) =>
    uniforms(fold(7, name), size).map((u) => (name.endsWith('gain') ? 0.5 + u : (u - 0.5) * 0.4)),
  );
}

function weightsBy(sizes: BertSizes, make: (size: number, name: string) => Float32Array) {
  return Object.fromEntries(
    Object.entries(bertShapes(sizes)).map(([name, shape]) => [name, make(tf.util.sizeFromShape([...shape]), name)]),
  );
}

/** Tensors for a run of the step. */
export function bertValues(sizes: BertSizes) {
  const { batch, sequence, vocabulary } = sizes;
  const leaves = (seed: number, of: (u: number) => number) =>
    Object.fromEntries(
      Object.entries(leavesOf(sizes)).map(([name, shape]) => [
        name,
        tf.tensor(uniforms(fold(seed, name), tf.util.sizeFromShape([...shape])).map(of), [...shape]),
      ]),
    );
  const integers = (seed: number, size: number, below: number) =>
    Int32Array.from(uniforms(seed, size), (u) => Math.floor(u * below));
  return {
    leaves: leaves(1, (u) => (u - 0.5) * 0.5),
    m: leaves(2, (u) => (u - 0.5) * 0.01),
    v: leaves(3, (u) => u * 1e-4),
    batch: {
      ids: tf.tensor(integers(4, batch * sequence, vocabulary), [batch, sequence], 'int32'),
      mask: tf.tensor(
        integers(5, batch * sequence, 4).map((value, index) => Number(value > 0 || index % sequence === 0)),
        [batch, sequence],
        'int32',
      ),
      labels: tf.tensor(integers(6, batch, 2), [batch], 'int32'),
    },
    scalars: { learningRate: tf.scalar(0.01), correction1: tf.scalar(0.1), correction2: tf.scalar(0.001) },
  };
}
