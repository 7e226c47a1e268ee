import { type Composition, matMul, operation } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';

type Side = { readonly side: 'columns' | 'rows' };
type Names = 'a' | 'b' | 'live';
type Distance = Composition<Names, Record<string, never>>;

/** Products of a target's Gram matrices below which wasm is faster without its kernels. */
const few = 65_536;

/**
 * How far the factors of a target are from orthonormal: ||a'a - I||_F^2 + ||bb' - I||_F^2 of a [in, r] and b [r, out].
 * `live` [r] holds 1 for the triplets that count and 0 for the others.
 */
export function tripletDistance(a: tf.Tensor, b: tf.Tensor, live: tf.Tensor): tf.Scalar {
  return distance({ a, b, live }, {}) as tf.Scalar;
}

const composition: Distance = ({ a, b, live }) =>
  tf.add(tf.sum(tf.square(excessOf(a, live, 'columns'))), tf.sum(tf.square(excessOf(b, live, 'rows'))));

const distance: Distance = operation({
  name: 'PeftTripletDistance',
  compose: composition,
  onBackend: {
    cpu: distanceOnHost,
    wasm: (inputs, attributes) => {
      const work = workOf(inputs.a, { side: 'columns' }) + workOf(inputs.b, { side: 'rows' });
      return work < few ? distanceOnHost(inputs) : composition(inputs, attributes);
    },
  },
  gradient: {
    saves: ['a', 'b', 'live'],
    of: (dy, { a, b, live }) => ({
      a: () => slope({ factor: a, live, dy }, { side: 'columns' }),
      b: () => slope({ factor: b, live, dy }, { side: 'rows' }),
      live: () => tf.zerosLike(live),
    }),
  },
});

const slopeComposition: Composition<'factor' | 'live' | 'dy', Side> = ({ factor, live, dy }, { side }) => {
  const excess = tf.mul(excessOf(factor, live, side), tf.mul(dy, 4));
  return side === 'columns' ? matMul(factor, excess) : matMul(excess, factor);
};

/** 4 a (a'a - I) for columns, 4 (bb' - I) b for rows. */
const slope: Composition<'factor' | 'live' | 'dy', Side> = operation({
  name: 'PeftTripletDistanceGradient',
  compose: slopeComposition,
  onBackend: {
    cpu: slopeOnHost,
    wasm: (inputs, attributes) =>
      (workOf(inputs.factor, attributes) < few ? slopeOnHost : slopeComposition)(inputs, attributes),
  },
});

/** The Gram matrix minus the identity, zero where one of the two vectors does not count. */
function excessOf(factor: tf.Tensor, live: tf.Tensor, side: Side['side']): tf.Tensor {
  const gram = matMul(factor, factor, side === 'columns', side === 'rows');
  const rank = live.size;
  const isPairLive = tf.mul(tf.reshape(live, [rank, 1]), tf.reshape(live, [1, rank]));
  return tf.mul(tf.sub(gram, tf.eye(rank)), isPairLive);
}

type Layout = { readonly rank: number; readonly length: number; readonly byVector: number; readonly byEntry: number };

function layoutOf({ shape }: tf.Tensor, { side }: Side): Layout {
  const [rows = 0, columns = 0] = shape;
  return side === 'columns'
    ? { rank: columns, length: rows, byVector: 1, byEntry: columns }
    : { rank: rows, length: columns, byVector: columns, byEntry: 1 };
}

function workOf(factor: tf.Tensor, side: Side): number {
  const { rank, length } = layoutOf(factor, side);
  return rank * rank * length;
}

function excessOnHost(values: Float32Array, live: Float32Array, layout: Layout): Float64Array {
  const { rank, length, byVector, byEntry } = layout;
  const excess = new Float64Array(rank * rank);
  for (let first = 0; first < rank; first++) {
    for (let second = 0; second <= first; second++) {
      if (live[first] === 0 || live[second] === 0) continue;
      let product = first === second ? -1 : 0;
      for (let entry = 0; entry < length; entry++) {
        const at = entry * byEntry;
        product += (values[at + first * byVector] as number) * (values[at + second * byVector] as number);
      }
      excess[first * rank + second] = product;
      excess[second * rank + first] = product;
    }
  }
  return excess;
}

function distanceOnHost({ a, b, live }: Readonly<Record<Names, tf.Tensor>>): tf.Tensor {
  const counted = live.dataSync<'float32'>();
  let sum = 0;
  for (const [factor, side] of [
    [a, 'columns'],
    [b, 'rows'],
  ] as const) {
    for (const value of excessOnHost(factor.dataSync<'float32'>(), counted, layoutOf(factor, { side }))) {
      sum += value * value;
    }
  }
  return tf.scalar(sum);
}

function slopeOnHost(
  { factor, live, dy }: Readonly<Record<'factor' | 'live' | 'dy', tf.Tensor>>,
  side: Side,
): tf.Tensor {
  const values = factor.dataSync<'float32'>();
  const layout = layoutOf(factor, side);
  const { rank, length, byVector, byEntry } = layout;
  const excess = excessOnHost(values, live.dataSync<'float32'>(), layout);
  const scale = 4 * (dy.dataSync()[0] as number);
  const result = new Float32Array(values.length);
  for (let entry = 0; entry < length; entry++) {
    const at = entry * byEntry;
    for (let vector = 0; vector < rank; vector++) {
      let sum = 0;
      for (let other = 0; other < rank; other++) {
        sum += (values[at + other * byVector] as number) * (excess[other * rank + vector] as number);
      }
      result[at + vector * byVector] = scale * sum;
    }
  }
  return tf.tensor(result, factor.shape);
}
