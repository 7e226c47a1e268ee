import { adamw as adamwUpdate } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { refuseUnknown } from '../refuseUnknown.ts';
import { requireInRange } from '../requireInRange.ts';
import type { Optimizer } from './optimizer.ts';

export type AdamwOptions = {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** Decoupled decay, multiplied by the learning rate. */
  readonly weightDecay?: number;
};

/** AdamW with torch's arithmetic (Loshchilov and Hutter 2019). */
export function adamw(options: AdamwOptions = {}): Optimizer {
  refuseUnknown('adamw', options, ['beta1', 'beta2', 'epsilon', 'weightDecay']);
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  requireInRange('adamw', { beta1, beta2 }, { from: 0, below: 1 });
  requireInRange('adamw', { epsilon, weightDecay }, { from: 0 });
  return {
    name: 'adamw',
    weightDecay,
    options: { beta1, beta2, epsilon },
    init: (param) => ({ m: tf.zerosLike(param), v: tf.zerosLike(param) }),
    inputs: (step) => ({ correction1: 1 - beta1 ** step, correction2: 1 - beta2 ** step }),
    update: ({ param, grad, slots, learningRate, inputs, weightDecay: decay }) => {
      const { m, v } = slots as { m: tf.Tensor; v: tf.Tensor };
      const { correction1, correction2 } = inputs as { correction1: tf.Scalar; correction2: tf.Scalar };
      const next = adamwUpdate(
        { param, grad, m, v },
        { learningRate, correction1, correction2 },
        { beta1, beta2, epsilon, weightDecay: decay },
      );
      return { param: next.param, slots: { m: next.m, v: next.v } };
    },
  };
}
