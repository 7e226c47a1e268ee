import * as tf from '@tensorflow/tfjs';
import type { AdamWLeaf, AdamWOptions, AdamWScalars } from './adamw.ts';

/**
 * AdamW in one pass over the values, for cpu and for the small leaves of an adapter on wasm, where the fifteen kernels
 * of the composition cost more than their arithmetic. Inner values are float64, results are rounded once.
 */
export function adamwOnHost(
  inputs: Readonly<Record<keyof AdamWLeaf | keyof AdamWScalars, tf.Tensor>>,
  { beta1, beta2, epsilon, weightDecay }: AdamWOptions & tf.NamedAttrMap,
): tf.Tensor[] {
  const read = (name: keyof typeof inputs) => inputs[name].dataSync<'float32'>();
  const first = (name: keyof AdamWScalars) => read(name)[0] as number;
  const [params, grads, means, squares] = [read('param'), read('grad'), read('m'), read('v')];
  const [learningRate, correction1, correction2] = [first('learningRate'), first('correction1'), first('correction2')];
  const kept = 1 - learningRate * weightDecay;
  const rate = learningRate / correction1;
  const rootOfCorrection = Math.sqrt(correction2);
  const next = new Float32Array(params.length);
  const m = new Float32Array(params.length);
  const v = new Float32Array(params.length);
  for (let index = 0; index < params.length; index++) {
    const grad = grads[index] as number;
    const mean = means[index] as number;
    const newMean = mean + (grad - mean) * (1 - beta1);
    const newSquare = (squares[index] as number) * beta2 + grad * grad * (1 - beta2);
    m[index] = newMean;
    v[index] = newSquare;
    const denominator = Math.sqrt(newSquare) / rootOfCorrection + epsilon;
    next[index] = (params[index] as number) * kept - (rate * newMean) / denominator;
  }
  const { shape } = inputs.param;
  return [next, m, v].map((values) => tf.tensor(values, shape));
}
