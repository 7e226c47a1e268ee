import { type Composition, matMul, operation } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';

type Side = { readonly side: 'columns' | 'rows' };
type Distance = Composition<'factor' | 'live', Side>;

/** Products of a Gram matrix below which wasm is faster without its kernels. */
const few = 65_536;

/**
 * Squared Frobenius distance of a factor's Gram matrix from the identity: of `a` [n, r] by its columns, of `b` [r, n] by
 * its rows. `live` [r] holds 1 for the vectors that count and 0 for the others.
 */
export function factorDistance(factor: tf.Tensor, live: tf.Tensor, side: Side['side']): tf.Scalar {
  return distance({ factor, live }, { side }) as tf.Scalar;
}

const distance: Distance = operation({
  name: 'PeftFactorDistance',
  compose: ({ factor, live }, { side }) => tf.sum(tf.square(excessOf(factor, live, side))),
  onBackend: {
    cpu: distanceOnHost,
    wasm: (inputs, attributes) =>
      workOf(inputs.factor, attributes) < few
        ? distanceOnHost(inputs, attributes)
        : tf.sum(tf.square(excessOf(inputs.factor, inputs.live, attributes.side))),
  },
  gradient: {
    saves: ['factor', 'live'],
    of: (dy, { factor, live }, { side }) => ({
      factor: () => slope({ factor, live, dy }, { side }),
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
  name: 'PeftFactorDistanceGradient',
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

function distanceOnHost({ factor, live }: Readonly<Record<'factor' | 'live', tf.Tensor>>, side: Side): tf.Tensor {
  const excess = excessOnHost(factor.dataSync<'float32'>(), live.dataSync<'float32'>(), layoutOf(factor, side));
  let sum = 0;
  for (const value of excess) sum += value * value;
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
