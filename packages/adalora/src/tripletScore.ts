import { type Composition, operation } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import type { Triplets } from './adaloraState.ts';

type Names = 'sensitivityOfA' | 'sensitivityOfLambda' | 'sensitivityOfB';
type OtherNames = 'uncertaintyOfA' | 'uncertaintyOfLambda' | 'uncertaintyOfB';
type Score = Composition<Names | OtherNames, Record<string, never>>;

/** Values of a target's averages below which wasm is faster without the seven kernels. */
const few = 8192;

const composition: Score = (of) => {
  const a = tf.mean(tf.mul(of.sensitivityOfA, of.uncertaintyOfA), 0);
  const b = tf.mean(tf.mul(of.sensitivityOfB, of.uncertaintyOfB), 1);
  return tf.add(tf.mul(of.sensitivityOfLambda, of.uncertaintyOfLambda), tf.add(a, b));
};

const onHost: Score = (of) => {
  const read = (name: Names | OtherNames) => of[name].dataSync<'float32'>();
  const lambda = product(read('sensitivityOfLambda'), read('uncertaintyOfLambda'));
  const a = product(read('sensitivityOfA'), read('uncertaintyOfA'));
  const b = product(read('sensitivityOfB'), read('uncertaintyOfB'));
  const rank = lambda.length;
  const [rows, columns] = [a.length / rank, b.length / rank];
  const scores = lambda.map((score, triplet) => {
    let sumOfA = 0;
    for (let row = 0; row < rows; row++) sumOfA += a[row * rank + triplet] as number;
    let sumOfB = 0;
    for (let column = 0; column < columns; column++) sumOfB += b[triplet * columns + column] as number;
    return score + sumOfA / rows + sumOfB / columns;
  });
  return tf.tensor1d(Float32Array.from(scores));
};

const score: Score = operation({
  name: 'PeftTripletScore',
  compose: composition,
  onBackend: {
    cpu: onHost,
    wasm: (inputs, attributes) => (inputs.sensitivityOfA.size < few ? onHost : composition)(inputs, attributes),
  },
});

/** Scores [r] of a target's triplets: that of lambda plus the mean scores of its column of `a` and row of `b`. */
export function tripletScore(sensitivity: Triplets, uncertainty: Triplets): tf.Tensor {
  return score(
    {
      sensitivityOfA: sensitivity.a,
      sensitivityOfLambda: sensitivity.lambda,
      sensitivityOfB: sensitivity.b,
      uncertaintyOfA: uncertainty.a,
      uncertaintyOfLambda: uncertainty.lambda,
      uncertaintyOfB: uncertainty.b,
    },
    {},
  );
}

function product(left: Float32Array, right: Float32Array): Float64Array {
  return Float64Array.from(left, (value, index) => value * (right[index] as number));
}
