import * as tf from '@tensorflow/tfjs';
import { adamwOnHost } from './adamwOnHost.ts';
import { PeftError } from './error.ts';
import { type Composition, operation } from './operation.ts';

export interface AdamWLeaf {
  readonly param: tf.Tensor;
  readonly grad: tf.Tensor;
  /** Running mean of the gradient; zeros before the first update. */
  readonly m: tf.Tensor;
  /** Running mean of the squared gradient; zeros before the first update. */
  readonly v: tf.Tensor;
}

/** What changes from step to step, as 0-d tensors, so that one captured step serves them all. */
export interface AdamWScalars {
  readonly learningRate: tf.Tensor;
  /** 1 - beta1^t for the t-th update of this leaf, t from 1. */
  readonly correction1: tf.Tensor;
  /** 1 - beta2^t. */
  readonly correction2: tf.Tensor;
}

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Fraction of the parameter, times the learning rate, that each update takes away. */
  readonly weightDecay: number;
}

type Inputs = keyof AdamWLeaf | keyof AdamWScalars;

type Update = Composition<Inputs, AdamWOptions & tf.NamedAttrMap, tf.Tensor[]>;

/** Values of a leaf below which wasm is faster without its kernels (measured: 16 us against 55 at 320 values). */
const FEW = 4096;

const composition: Update = (inputs, { beta1, beta2, epsilon, weightDecay }) => {
  const { param, grad, learningRate, correction1, correction2 } = inputs;
  const m = tf.add(inputs.m, tf.mul(tf.sub(grad, inputs.m), 1 - beta1));
  const v = tf.add(tf.mul(inputs.v, beta2), tf.mul(tf.square(grad), 1 - beta2));
  const denominator = tf.add(tf.div(tf.sqrt(v), tf.sqrt(correction2)), epsilon);
  const kept = weightDecay === 0 ? param : tf.mul(param, tf.sub(1, tf.mul(learningRate, weightDecay)));
  const next = tf.sub(kept, tf.div(tf.mul(m, tf.div(learningRate, correction1)), denominator));
  return [next, m, v];
};

const update: Update = operation({
  name: 'PeftAdamW',
  compose: composition,
  onBackend: {
    cpu: adamwOnHost,
    wasm: (inputs, options) => (inputs.param.size < FEW ? adamwOnHost : composition)(inputs, options),
  },
});

/**
 * One update of one parameter by AdamW, as torch computes it: decay apart from the moments, epsilon added to the
 * bias-corrected root (Loshchilov and Hutter, arXiv:1711.05101).
 * @throws PeftError `ops/shape`, `ops/adamw`
 */
export function adamw(
  leaf: AdamWLeaf,
  scalars: AdamWScalars,
  options: AdamWOptions,
): { readonly param: tf.Tensor; readonly m: tf.Tensor; readonly v: tf.Tensor } {
  check(leaf, options);
  const { beta1, beta2, epsilon, weightDecay } = options;
  const [param, m, v] = update({ ...leaf, ...scalars }, { beta1, beta2, epsilon, weightDecay }) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  return { param, m, v };
}

function check({ param, grad, m, v }: AdamWLeaf, options: AdamWOptions): void {
  const wrong = Object.entries({ grad, m, v }).filter(([, tensor]) => `${tensor.shape}` !== `${param.shape}`);
  if (wrong.length > 0) {
    const shapes = wrong.map(([name, tensor]) => `${name} [${tensor.shape}]`).join(', ');
    throw new PeftError('ops/shape', `adamw of a parameter [${param.shape}] got ${shapes}; all four must agree.`);
  }
  const problems = [
    ...(['beta1', 'beta2'] as const)
      .filter((name) => !(options[name] >= 0 && options[name] < 1))
      .map((name) => `${name} ${options[name]} is outside 0 <= ${name} < 1`),
    ...(['epsilon', 'weightDecay'] as const)
      .filter((name) => !(options[name] >= 0))
      .map((name) => `${name} ${options[name]} is below 0`),
  ];
  if (problems.length > 0) throw new PeftError('ops/adamw', `adamw: ${problems.join('; ')}.`);
}
