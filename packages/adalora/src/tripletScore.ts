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
  const [a, lambda, b] = [read('sensitivityOfA'), read('sensitivityOfLambda'), read('sensitivityOfB')];
  const [spreadOfA, spreadOfLambda, spreadOfB] = [
    read('uncertaintyOfA'),
    read('uncertaintyOfLambda'),
    read('uncertaintyOfB'),
  ];
  const rank = lambda.length;
  const [rows, columns] = [a.length / rank, b.length / rank];
  const scores = new Float32Array(rank);
  for (let triplet = 0; triplet < rank; triplet++) {
    let sumOfA = 0;
    for (let at = triplet; at < a.length; at += rank) sumOfA += (a[at] as number) * (spreadOfA[at] as number);
    let sumOfB = 0;
    const end = (triplet + 1) * columns;
    for (let at = triplet * columns; at < end; at++) sumOfB += (b[at] as number) * (spreadOfB[at] as number);
    const own = (lambda[triplet] as number) * (spreadOfLambda[triplet] as number);
    scores[triplet] = own + sumOfA / rows + sumOfB / columns;
  }
  return tf.tensor1d(scores);
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
