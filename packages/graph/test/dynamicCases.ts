import * as tf from '@tensorflow/tfjs';
import { type Captured, capture, type Graph, type InputTypes, type OutputTree } from '../src/index.ts';
import { bertForward, bertShapes, evenWeights, tinyBert } from './bertStep.ts';

type Sizes = Readonly<Record<string, number>>;

/** A function whose sizes may change, captured at any. */
export interface DynamicCase {
  readonly dimensions: readonly string[];
  readonly graphAt: (sizes: Sizes) => Graph;
  /** Sizes to run at that no capture saw. */
  readonly runs: readonly Sizes[];
}

type Run = (given: Record<string, tf.Tensor>) => OutputTree;

function caseOf(types: (sizes: Sizes) => InputTypes, run: Run, runs: readonly Sizes[]): DynamicCase {
  return {
    dimensions: Object.keys(runs[0] as Sizes),
    graphAt: (sizes) => capture(run as (given: Captured<InputTypes>) => OutputTree, { inputs: types(sizes) }),
    runs,
  };
}

const floats = (...shape: readonly number[]) => ({ shape, dtype: 'float32' });
const texts = [
  { batch: 1, sequence: 1 },
  { batch: 6, sequence: 9 },
  { batch: 4, sequence: 30 },
];

export const dynamicCases: Readonly<Record<string, DynamicCase>> = {
  layout: caseOf(
    ({ batch, sequence }) => ({ x: floats(batch as number, sequence as number, 6) }),
    ({ x: given }) => {
      const x = given as tf.Tensor3D;
      const [batch, sequence] = x.shape as [number, number, number];
      return {
        split: tf.transpose(tf.reshape(x, [batch, sequence, 2, 3]), [0, 2, 1, 3]),
        rows: tf.reshape(x, [batch * sequence, 6]),
        square: tf.reshape(tf.matMul(x, x, false, true), [batch, sequence * sequence]),
        first: tf.slice(x, [0, 0, 0], [batch, 1, 6]),
        last: tf.slice(x, [0, sequence - 1, 0], [batch, 1, 6]),
        padded: tf.pad(x, [
          [0, 0],
          [1, sequence],
          [0, 2],
        ]),
        tiled: tf.tile(x, [1, 2, 1]),
        repeated: tf.tile(tf.slice(x, [0, 0, 0], [1, 1, 6]), [batch, sequence, 1]),
        joined: tf.concat([x, tf.zeros([batch, 1, 6])], 1),
        reversed: tf.reverse(x, [1]),
        parts: tf.sub(...(tf.split(x, [2, 4], 2).map((part) => tf.sum(part, 2)) as [tf.Tensor, tf.Tensor])),
        filled: tf.add(tf.fill([batch, sequence, 6], 2), tf.cumsum(tf.onesLike(x), 1)),
        padding: tf.oneHot(tf.range(0, batch, 1, 'int32'), 3),
      };
    },
    texts,
  ),
  numbers: caseOf(
    ({ batch, sequence }) => ({ x: floats(batch as number, sequence as number) }),
    ({ x }) => {
      const [batch, sequence] = (x as tf.Tensor).shape as [number, number];
      const each = x as tf.Tensor;
      return {
        mean: tf.div(tf.sum(each), batch * sequence),
        scaled: tf.mul(each, 3 / Math.sqrt(sequence)),
        root: tf.mul(each, Math.sqrt(sequence)),
        times: tf.mul(each, 0.1 * batch),
        moment: tf.mean(tf.square(each), 1, true),
        places: tf.range(0, sequence, 1, 'int32'),
        odd: tf.range(1, 2 * sequence + 1, 2, 'float32'),
        causal: tf.where(
          tf.lessEqual(
            tf.reshape(tf.range(0, sequence, 1, 'int32'), [1, sequence]),
            tf.reshape(tf.range(0, sequence, 1, 'int32'), [sequence, 1]),
          ),
          tf.zeros([sequence, sequence]),
          tf.fill([sequence, sequence], -1e9),
        ),
        counted: tf.tensor1d(Int32Array.from({ length: sequence }, (_, index) => 3 + 2 * index)),
      };
    },
    texts,
  ),
  grad: caseOf(
    ({ batch, sequence }) => ({ x: floats(batch as number, sequence as number, 4), w: floats(4, 4) }),
    ({ x, w }) => {
      const loss = (weight: tf.Tensor) =>
        tf.mean(
          tf.softmax(tf.matMul(tf.reshape(x as tf.Tensor, [-1, 4]) as tf.Tensor2D, weight as tf.Tensor2D)).square(),
        );
      return { gradient: tf.grad(loss)(w as tf.Tensor) };
    },
    texts,
  ),
  bert: { dimensions: ['batch', 'sequence'], graphAt: bertAt, runs: texts },
};

const weights = evenWeights(tinyBert);

function bertAt({ batch, sequence }: Sizes): Graph {
  const shapes = bertShapes(tinyBert);
  const weight = (name: string) => tf.tensor(weights[name] as Float32Array, [...(shapes[name] as number[])]);
  const ids = { shape: [batch as number, sequence as number], dtype: 'int32' };
  const run = (given: Record<string, tf.Tensor>) => ({
    states: bertForward(tinyBert, {
      weight,
      leaves: {},
      ids: given.ids as tf.Tensor,
      mask: given.mask as tf.Tensor,
    }),
  });
  return capture(run as never, { inputs: { ids, mask: ids }, parameters: weights });
}

/** Inputs of a case, the same at every call. */
export function dynamicInputs(graph: Graph): Record<string, tf.Tensor> {
  return Object.fromEntries(
    graph.inputs.map(({ name, value: { shape, dtype } }, index) => {
      const size = tf.util.sizeFromShape([...shape]);
      const values = Array.from({ length: size }, (_, place) => ((place * 7 + index * 3) % 11) / 11 - 0.4);
      const whole = values.map((value, place) =>
        name === 'mask' ? Number(value > -0.3 || place % (shape[1] as number) === 0) : Math.floor((value + 0.4) * 30),
      );
      return [name, tf.tensor(dtype === 'float32' ? values : whole, [...shape], dtype)];
    }),
  );
}
