import { normals } from '@peft/ops';
import type * as tf from '@tensorflow/tfjs';
import { type HostArray, hostArray } from '../src/hostArray.ts';
import type { Model, TensorBatch } from '../src/model.ts';
import { Weights } from '../src/weights.ts';

const vocabulary = 7;
const width = 6;

/** A small language model: a table, a layer, and a head that reads the same table and has a bias. Batches { ids int32 [n, 2] }. */
export function tiedModel(seed = 3): Model<TensorBatch> {
  const random = (shape: readonly number[], stream: number): HostArray => {
    const size = shape.reduce((product, length) => product * length, 1);
    return hostArray(normals(seed + stream, size), shape);
  };
  const table = random([vocabulary, width], 0);
  return {
    targets: [
      { path: 'embed', kind: 'embedding', shape: [vocabulary, width] },
      { path: 'query', kind: 'dense', shape: [width, width] },
      { path: 'head', kind: 'transposed-dense', shape: [vocabulary, width] },
    ],
    inputEmbedding: 'embed',
    ties: { head: 'embed' },
    outputHead: ['head'],
    outputSize: vocabulary,
    inputs: { ids: { dtype: 'int32', shape: ['batch', 2] } },
    weights: new Weights([
      ['embed.weight', table],
      ['query.weight', random([width, width], 1)],
      ['head.weight', table],
      ['head.bias', random([vocabulary], 2)],
    ]),
    apply: (batch, at) => at.linear('head', at.linear('query', at.embedding('embed', batch.ids as tf.Tensor))),
  };
}

/** Columns of six examples: ids, and the token that follows each. */
export const tiedColumns: Readonly<Record<'ids' | 'labels', HostArray>> = {
  ids: hostArray(Int32Array.of(5, 1, 2, 2, 0, 6, 4, 5, 1, 3, 2, 0), [6, 2]),
  labels: hostArray(Int32Array.of(1, 2, 2, 0, 6, 4, 5, 1, 3, 2, 0, 5), [6, 2]),
};
