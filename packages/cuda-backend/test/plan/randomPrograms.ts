import { sizeOf } from '@peft/core';
import { capture, type Graph, type HostTensor, type OutputTree, runPasses } from '@peft/graph';
import { gelu, layerNorm, matMul, uniforms } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';

type Matrix = tf.Tensor2D;
type Tensors = Readonly<Record<string, tf.Tensor>>;
type Step = (a: Matrix, b: Matrix, frozen: Frozen) => tf.Tensor;

interface Frozen {
  readonly weight: () => Matrix;
  readonly bias: () => tf.Tensor1D;
  readonly down: Matrix;
  readonly up: Matrix;
}

/** Each takes and gives a [4, 4] matrix whose values stay small; between them they give folding and planning enough to do. */
const steps: readonly Step[] = [
  (a, b) => tf.tanh(tf.add(a, b)),
  (a, _, { weight }) => tf.tanh(matMul(a, weight())),
  (a, _, { weight, bias }) => tf.tanh(tf.add(matMul(a, weight()), bias())),
  (a, b, { weight, bias }) => tf.mul(tf.add(tf.add(matMul(a, weight()), bias()), b), 0.3),
  (a, _, { weight, bias, down, up }) =>
    tf.add(tf.add(matMul(a, weight()), bias()), tf.mul(matMul(matMul(a, down), up), 0.5)),
  (a, b) => tf.mul(tf.add(matMul(a, b), matMul(b, a, true, false)), 0.2),
  (a, b) => tf.mul(matMul(tf.mul(a, 0.5), tf.mul(b, 0.25), false, true), 2),
  (a, b) => {
    const product = tf.mul(matMul(a, b), 0.25);
    return tf.add(product, tf.tanh(product));
  },
  (a, b) => tf.reshape(tf.add(tf.reshape(tf.mul(matMul(a, b), 0.25), [2, 8]), tf.reshape(a, [2, 8])), [4, 4]),
  (a, b) => {
    const stack = tf.reshape(matMul(tf.reshape(a, [2, 2, 4]), tf.reshape(b, [2, 4, 2])), [4, 2]);
    return tf.tanh(tf.concat([stack, stack], 1));
  },
  (a, b) => tf.concat([tf.slice(a, [0, 0], [2, 4]), tf.slice(b, [2, 0], [2, 4])]),
  (a) => gelu(layerNorm(a, tf.ones([4]), tf.zeros([4]), 1e-2)),
  (a, b) => tf.tile(tf.reshape(tf.mean(tf.mul(a, b), 1), [4, 1]), [1, 4]),
  (a) => tf.transpose(a),
  (a, b) => tf.tanh(tf.sub(tf.square(a), b)),
];

export interface Program {
  readonly steps: readonly { readonly step: number; readonly a: number; readonly b: number }[];
  readonly hasGradient: boolean;
}

export const programs: fc.Arbitrary<Program> = fc.record({
  steps: fc.array(fc.record({ step: fc.nat(steps.length - 1), a: fc.nat(6), b: fc.nat(6) }), {
    minLength: 3,
    maxLength: 14,
  }),
  hasGradient: fc.boolean(),
});

const size = 4;
const numbers = (seed: number, shape: readonly number[]): HostTensor => ({
  shape,
  dtype: 'float32',
  data: uniforms(seed, sizeOf(shape)).map((u) => u - 0.5),
});

export const programInputs: ReadonlyMap<string, HostTensor> = new Map([
  ['state/down', numbers(1, [size, 2])],
  ['state/up', numbers(2, [2, size])],
  ['state/other', numbers(3, [2, size])],
  ['state/same', numbers(3, [3])],
  ['inputs/x', numbers(4, [size, size])],
  ['inputs/y', numbers(5, [size, size])],
]);

const weight = numbers(6, [size, size]).data as Float32Array;
const bias = numbers(7, [size]).data as Float32Array;

/**
 * A step as engines capture them: adapters in, moved adapters out, metrics, outputs. Some results are inputs, views of
 * inputs, parts of other results, exchanged state, or one value twice.
 */
export function captureProgram({ steps: list, hasGradient }: Program): Graph {
  const value = (x: tf.Tensor, y: tf.Tensor, leaves: Tensors): Matrix => {
    const frozen = {
      weight: () => tf.tensor2d(weight, [size, size]),
      bias: () => tf.tensor1d(bias),
      down: leaves.down as Matrix,
      up: leaves.up as Matrix,
    };
    const adapted = tf.add(x, matMul(matMul(x, frozen.down), frozen.up));
    const made: Matrix[] = [x as Matrix, y as Matrix, adapted as Matrix];
    for (const { step, a, b } of list) {
      const pick = (index: number) => made[made.length - 1 - (index % made.length)] as Matrix;
      made.push((steps[step] as Step)(pick(a), pick(b), frozen) as Matrix);
    }
    return tf.add(made.at(-1) as Matrix, tf.mul(adapted, 0.1));
  };
  const run = (given: unknown): OutputTree => {
    const { state, inputs } = given as { readonly state: Tensors; readonly inputs: Tensors };
    const [x, y, down, up] = [inputs.x, inputs.y, state.down, state.up] as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const loss = (leaves: Tensors) => tf.mean(tf.square(value(x, y, leaves))) as tf.Scalar;
    const grads = hasGradient
      ? tf.grads((first, second) => loss({ down: first as tf.Tensor, up: second as tf.Tensor }))([down, up])
      : [tf.mul(down, 0.5), tf.mul(up, 0.5)];
    const [first, second] = grads as [tf.Tensor, tf.Tensor];
    const z = value(x, y, state);
    return {
      state: { down: tf.sub(down, first), up: state.other, other: tf.sub(up, second), same: state.same } as OutputTree,
      metrics: {
        loss: loss(state),
        again: loss(state),
        norm: tf.sum(tf.square(first)),
        corner: tf.reshape(tf.slice(z, [0, 0], [1, 1]), []),
      },
      outputs: {
        z,
        flat: tf.reshape(z, [16]),
        row: tf.slice(z, [1, 0], [1, 4]),
        given: x,
        turned: tf.reshape(y, [16]),
        ones: tf.ones([3]),
      },
    } as OutputTree;
  };
  const typed = (prefix: string) =>
    Object.fromEntries(
      [...programInputs].flatMap(([name, { shape, dtype }]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), { shape, dtype }]] : [],
      ),
    );
  const inputs = { state: typed('state/'), inputs: typed('inputs/') };
  return runPasses(capture(run as never, { inputs: inputs as never, parameters: { weight, bias } }));
}
