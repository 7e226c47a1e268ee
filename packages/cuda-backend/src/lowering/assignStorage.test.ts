import { capture, type Graph, type OutputTree, runPasses, type Value } from '@peft/graph';
import { layerNorm, matMul, softmaxCrossEntropy } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { assignStorage } from './assignStorage.ts';

const [tokens, size, classes, rank] = [6, 8, 3, 2];
const weights = {
  table: new Float32Array(10 * size),
  first: new Float32Array(size * size),
  bias: new Float32Array(size),
  gain: new Float32Array(size),
  head: new Float32Array(size * classes),
};

type Tensors = Readonly<Record<string, tf.Tensor>>;

/** One step of a small model with an adapter, a penalty on it, and SGD. */
function step(given: unknown): OutputTree {
  const { state, inputs } = given as { readonly state: Tensors; readonly inputs: Tensors };
  const loss = (a: tf.Tensor, b: tf.Tensor) => {
    const x = tf.gather(tf.tensor2d(weights.table, [10, size]), inputs.ids as tf.Tensor1D);
    const base = tf.add(matMul(x, tf.tensor2d(weights.first, [size, size])), tf.tensor1d(weights.bias));
    const hidden = layerNorm(
      tf.tanh(tf.add(base, matMul(matMul(x, a), b))),
      tf.tensor1d(weights.gain),
      tf.tensor1d(weights.bias),
      1e-5,
    );
    const logits = matMul(hidden, tf.tensor2d(weights.head, [size, classes]));
    return tf.add(softmaxCrossEntropy(logits, inputs.labels as tf.Tensor), penaltyOf(a)) as tf.Scalar;
  };
  const [a, b] = [state.a, state.b] as [tf.Tensor, tf.Tensor];
  const { value, grads } = tf.valueAndGrads(loss)([a, b]);
  const [da, db] = grads as [tf.Tensor, tf.Tensor];
  return {
    state: { a: tf.sub(a, tf.mul(da, inputs.rate as tf.Tensor)), b: tf.sub(b, tf.mul(db, inputs.rate as tf.Tensor)) },
    metrics: { loss: value, norm: tf.sqrt(tf.sum(tf.square(da))) },
  } as OutputTree;
}

const penaltyOf = (a: tf.Tensor) => tf.sum(tf.square(matMul(a, a, true, false)));

let graph: Graph;

beforeAll(async () => {
  await tf.setBackend('cpu');
  const typed = (shape: readonly number[], dtype = 'float32') => ({ shape, dtype });
  const inputs = {
    state: { a: typed([size, rank]), b: typed([rank, size]) },
    inputs: { ids: typed([tokens], 'int32'), labels: typed([tokens], 'int32'), rate: typed([]) },
  };
  graph = runPasses(capture(step as never, { inputs, parameters: weights }));
});

/** Values by the operations that make them and their shapes, with their storages. */
function storages(precision: 'float32' | 'bf16'): readonly string[] {
  const storageOf = assignStorage(graph, precision);
  const line = (name: string, value: Value) => `${name} [${value.shape}] ${storageOf(value)}`;
  const { inputs, parameters, nodes } = graph;
  const made = nodes.flatMap(({ op, outputs }) => outputs.map((output) => line(op, output)));
  return [...new Set([...[...inputs, ...parameters].map(({ name, value }) => line(name, value)), ...made])];
}

describe('assignStorage', () => {
  it('is f32 for every float without bf16', () => {
    expect(storages('float32').filter((each) => each.endsWith('bf16'))).toEqual([]);
    expect(storages('float32')).toContain('inputs/ids [6] i32');
  });

  it('is bf16 for what leads from the inputs to products, and for frozen matrices', () => {
    expect(storages('bf16').filter((each) => each.endsWith('bf16'))).toEqual([
      'table [10,8] bf16',
      'first [8,8] bf16',
      'head [8,3] bf16',
      'GatherV2 [6,8] bf16',
      'PeftMatMul [6,8] bf16',
      'Add [6,8] bf16',
      'PeftMatMul [6,2] bf16',
      'Tanh [6,8] bf16',
      'PeftLayerNorm [6,8] bf16',
      'PeftMatMul [6,3] bf16',
      'PeftSoftmaxCrossEntropyGrad [6,3] bf16',
      'PeftLayerNormGrad [6,8] bf16',
      'Square [6,8] bf16',
      'Sub [6,8] bf16',
      'Multiply [6,8] bf16',
    ]);
  });

  it('is f32 for state, statistics, losses, penalties, gradients of leaves and what becomes of them', () => {
    expect(storages('bf16').filter((each) => each.endsWith('f32'))).toEqual(
      expect.arrayContaining([
        'state/a [8,2] f32',
        'bias [8] f32',
        'gain [8] f32',
        'inputs/rate [] f32',
        'PeftLayerNorm [6,1] f32',
        'PeftSoftmaxCrossEntropy [] f32',
        // The penalty's product, of state alone.
        'PeftMatMul [2,2] f32',
        // The gradients of the leaves.
        'PeftMatMul [8,2] f32',
        'PeftMatMul [2,8] f32',
        'Sum [] f32',
      ]),
    );
  });
});
