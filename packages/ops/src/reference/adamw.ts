export interface AdamWMoments {
  readonly param: Float64Array;
  readonly m: Float64Array;
  readonly v: Float64Array;
}

export interface AdamWStep {
  readonly learningRate: number;
  /** Number of this update, from 1. */
  readonly step: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** One AdamW update of every value, in float64. */
export function adamw({ param, m, v }: AdamWMoments, grad: Float64Array, options: AdamWStep): AdamWMoments {
  const { learningRate, step, beta1, beta2, epsilon, weightDecay } = options;
  const nextM = m.map((value, index) => beta1 * value + (1 - beta1) * (grad[index] as number));
  const nextV = v.map((value, index) => beta2 * value + (1 - beta2) * (grad[index] as number) ** 2);
  const next = param.map((value, index) => {
    const mean = (nextM[index] as number) / (1 - beta1 ** step);
    const root = Math.sqrt((nextV[index] as number) / (1 - beta2 ** step));
    return value * (1 - learningRate * weightDecay) - (learningRate * mean) / (root + epsilon);
  });
  return { param: next, m: nextM, v: nextV };
}
