import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { type HostArray, hostArray } from '../hostArray.ts';
import type { Model, TensorBatch } from '../model.ts';
import type { Target } from '../target.ts';
import { Weights } from '../weights.ts';

/**
 * A small frozen network for laws and examples: an embedding, two residual tanh layers and an output layer, on
 * batches { ids int32 [n, 2], targets float32 [n, 2, 3] }. Sizes are odd and unequal on purpose.
 */
export function toyModel(seed = 1): Model<TensorBatch> {
  const vocabulary = 7;
  const width = 6;
  const random = (name: string, shape: readonly number[]): [string, HostArray] => {
    const values = normals(
      seed + name.length,
      shape.reduce((size, length) => size * length, 1),
    );
    return [
      name,
      hostArray(
        values.map((value) => value * 0.5),
        shape,
      ),
    ];
  };
  const targets: readonly Target[] = [
    { path: 'embed', kind: 'embedding', shape: [vocabulary, width] },
    { path: 'layer.0.query', kind: 'dense', shape: [width, width] },
    { path: 'layer.1.query', kind: 'dense', shape: [width, width] },
    { path: 'head', kind: 'dense', shape: [width, 3] },
  ];
  const biases = ['layer.0.query', 'layer.1.query', 'head'].map((path) => {
    const { shape } = targets.find((target) => target.path === path) as Target;
    return random(`${path}.bias`, [shape[1] as number]);
  });
  return {
    targets,
    inputEmbedding: 'embed',
    outputHead: ['head'],
    outputSize: 3,
    inputs: { ids: { dtype: 'int32', shape: ['batch', 2] } },
    weights: new Weights([...targets.map(({ path, shape }) => random(`${path}.weight`, shape)), ...biases]),
    apply(batch, at) {
      let hidden = at.embedding('embed', batch.ids as tf.Tensor);
      for (const layer of ['layer.0.query', 'layer.1.query'])
        hidden = tf.add(hidden, tf.tanh(at.linear(layer, hidden)));
      return at.linear('head', hidden);
    },
  };
}

/** Columns of examples whose targets are a random row of three for every id, so that an adapter has something to learn. */
export function toyData(seed = 1, examples = 24): Readonly<Record<'ids' | 'targets', HostArray>> {
  const ids = Int32Array.from(normals(seed, examples * 2), (value) => Math.abs(Math.floor(value * 1000)) % 7);
  const table = normals(seed + 1, 7 * 3);
  const targets = Float32Array.from({ length: examples * 6 }, (_, i) => {
    const id = ids[Math.floor(i / 3)] as number;
    return table[id * 3 + (i % 3)] as number;
  });
  return { ids: hostArray(ids, [examples, 2]), targets: hostArray(targets, [examples, 2, 3]) };
}
