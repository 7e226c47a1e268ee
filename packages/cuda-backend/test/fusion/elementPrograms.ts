import { sizeOf } from '@peft/core';
import { capture, type Graph, type HostTensor, type OutputTree, runPasses } from '@peft/graph';
import * as ops from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';

type Matrix = tf.Tensor2D;
type Step = (a: Matrix, b: Matrix, given: Given) => tf.Tensor;

interface Given {
  readonly row: tf.Tensor1D;
  readonly column: Matrix;
  readonly scalar: tf.Scalar;
  readonly key: tf.Tensor1D;
}

/** A step that no gradient goes through. */
const held =
  (step: (a: Matrix, b: Matrix) => tf.Tensor): Step =>
  (first, second) => {
    const run = tf.customGrad((a, b) => ({
      value: step(a as Matrix, b as Matrix),
      gradFunc: (dy: tf.Tensor) => [tf.zerosLike(dy), tf.zerosLike(dy)],
    }));
    return tf.add(run(first, second), tf.div(first, 4));
  };

/** Each takes and gives a [rows, width] matrix of numbers that stay small, element by element. */
const smoothSteps: readonly Step[] = [
  (a, b) => tf.tanh(tf.add(a, b)),
  (a, b) => tf.mul(tf.sub(a, b), 0.5),
  (a, _, { row }) => tf.tanh(tf.add(a, row)),
  (a, _, { column }) => tf.mul(tf.tanh(a), column),
  (a, _, { scalar }) => tf.div(a, tf.add(tf.abs(scalar), 1)),
  (a, _, { row, scalar }) => tf.add(a, tf.mul(tf.tanh(row), scalar)),
  (a) => ops.gelu(a),
  (a) => tf.maximum(tf.leakyRelu(a, 0.1), tf.neg(tf.square(a))).clipByValue(-1, 1),
  (a, _, { key }) => tf.mul(ops.dropout(a, 0.25, key), 0.5),
  (a) => tf.tanh(tf.add(a, tf.range(0, a.shape[1] ?? 0).div(100))),
  (a, b) => tf.tanh(tf.add(tf.reverse(a, 1), b)),
  (a) => tf.tanh(tf.reshape(tf.neg(tf.reshape(a, [-1])), a.shape)),
  (a, b) => tf.tile(tf.add(tf.slice(a, [0, 0], [1, -1]), tf.slice(b, [0, 0], [1, -1])), [a.shape[0], 1]).div(2),
  (a) => tf.sin(tf.transpose(tf.cos(tf.transpose(a)))),
];

/** As `smoothSteps`, with jumps, where rounding decides. */
const jumpingSteps: readonly Step[] = [
  held((a, b) => tf.where(tf.greater(a, b), tf.minimum(a, 0.5), tf.sigmoid(b))),
  held((a, b) => tf.cast(tf.logicalOr(tf.less(a, b), tf.equal(a, b)), 'float32')),
  held((a) => tf.div(tf.cast(tf.floorDiv(tf.cast(tf.mul(a, 9), 'int32'), tf.scalar(2, 'int32')), 'float32'), 5)),
  (a, b) => tf.div(tf.addN([a, b, tf.square(a), tf.round(tf.mul(b, 3))]), 5),
];

/** As `smoothSteps`, with sums of rows. */
const rowSteps: readonly Step[] = [
  (a) => tf.sub(a, tf.mean(a, 1, true)),
  (a, b) => tf.mul(tf.tanh(b), tf.tanh(tf.max(a, 1, true))),
  (a) => tf.softmax(a),
  (a, b) => tf.add(tf.softmax(tf.add(a, b)), tf.min(b, 1, true)).div(4),
  (a, _, { row }) => ops.layerNorm(a, tf.tanh(row) as tf.Tensor1D, row, 1e-2).div(4),
  (a, b, { row }) => ops.layerNorm(tf.add(a, b), tf.tanh(row) as tf.Tensor1D, row, 1e-2).div(4),
  (a, b, { row }) => ops.rmsNorm(tf.add(a, b), row, 1e-2).div(4),
  (a, b) => tf.mul(a, tf.rsqrt(tf.add(tf.sum(tf.square(b)), 1))),
];

export interface ElementProgram {
  readonly rows: number;
  readonly width: number;
  readonly steps: readonly { readonly step: Step; readonly a: number; readonly b: number }[];
  readonly hasGradient: boolean;
}

/** One of few shapes: warps and blocks a row, tails of fewer than eight numbers, rows too long for a thread's eight. */
const shape = fc.constantFrom<(readonly [number, number])[]>([3, 8], [5, 13], [1, 40], [2, 264], [70, 300], [2, 1003]);

/** Those of elements alone are exact; those with rows have no jumps. */
export function elementPrograms(kind: 'elements' | 'rows'): fc.Arbitrary<ElementProgram> {
  const known = kind === 'elements' ? [...smoothSteps, ...jumpingSteps] : [...smoothSteps, ...rowSteps];
  return fc
    .record({
      shape,
      steps: fc.array(fc.record({ step: fc.constantFrom(...known), a: fc.nat(4), b: fc.nat(6) }), {
        minLength: 2,
        maxLength: 10,
      }),
      hasGradient: fc.boolean(),
    })
    .map(({ shape: [rows, width], steps, hasGradient }) => ({ rows, width, steps, hasGradient }));
}

/** Several programs as one graph, so that they are one text of kernels: outputs `outputs/0/last` and so on. */
export function captureElements(list: readonly ElementProgram[]): {
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<string, HostTensor>;
} {
  const inputs = new Map(list.flatMap((program, index) => [...inputsOf(program, index)]));
  const types = Object.fromEntries([...inputs].map(([name, { shape, dtype }]) => [name, { shape, dtype }]));
  const run = (given: unknown): OutputTree => {
    const tensors = given as Readonly<Record<string, tf.Tensor>>;
    const outputs = list.map((program, index) => {
      const of = (name: string) => tensors[`${index} ${name}`] as never;
      const [x, y] = [of('x'), of('y')] as [Matrix, Matrix];
      const rest = { row: of('row'), column: of('column'), scalar: of('scalar'), key: of('key') } as Given;
      const values = (first: Matrix) => valuesOf(program, [first, y], rest);
      const made = values(x);
      const dx = program.hasGradient
        ? { dx: tf.grad((each) => tf.sum(tf.mul(tf.add(values(each as Matrix).at(-1) as Matrix, each), y)))(x) }
        : {};
      return { last: made.at(-1) as Matrix, middle: made[Math.floor(made.length / 2)] as Matrix, ...dx };
    });
    return { outputs: Object.fromEntries(outputs.map((each, index) => [`${index}`, each])) } as unknown as OutputTree;
  };
  return { graph: runPasses(capture(run as never, { inputs: types as never })), inputs };
}

function valuesOf({ steps }: ElementProgram, first: readonly Matrix[], given: Given): readonly Matrix[] {
  const made = [...first];
  for (const { step, a, b } of steps) {
    const pick = (index: number) => made[made.length - 1 - (index % made.length)] as Matrix;
    made.push(step(pick(a), pick(b), given) as Matrix);
  }
  return made;
}

function* inputsOf({ rows, width }: ElementProgram, index: number): Generator<[string, HostTensor]> {
  const shapes = { x: [rows, width], y: [rows, width], row: [width], column: [rows, 1], scalar: [] };
  for (const [place, [name, each]] of Object.entries(shapes).entries()) {
    const size = sizeOf(each);
    const data = ops.uniforms(10 * index + place, size).map((u) => 2 * u - 1);
    yield [`${index} ${name}`, { shape: each, dtype: 'float32', data }];
  }
  yield [`${index} key`, { shape: [2], dtype: 'int32', data: [index, -7] }];
}
