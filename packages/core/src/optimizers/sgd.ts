import { PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { refuseUnknown } from '../refuseUnknown.ts';
import { requireInRange } from '../requireInRange.ts';
import type { Optimizer, Slots } from './optimizer.ts';

export type SgdOptions = {
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** Added to the gradient, as torch's SGD does. */
  readonly weightDecay?: number;
};

/** Stochastic gradient descent with torch's momentum: velocity = momentum * velocity + gradient, from zero. */
export function sgd(options: SgdOptions = {}): Optimizer {
  refuseUnknown('sgd', options, ['momentum', 'nesterov', 'weightDecay']);
  const { momentum = 0, nesterov = false, weightDecay = 0 } = options;
  requireInRange('sgd', { momentum }, { from: 0, below: 1 });
  requireInRange('sgd', { weightDecay }, { from: 0 });
  if (nesterov && momentum === 0) {
    throw new PeftError(
      'option/conflict',
      'sgd: nesterov needs a momentum above 0; pass momentum or leave nesterov out.',
    );
  }
  return {
    name: 'sgd',
    weightDecay,
    options: { momentum, nesterov },
    init: (param): Slots => (momentum === 0 ? {} : { velocity: tf.zerosLike(param) }),
    inputs: () => ({}),
    update: ({ param, grad, slots, learningRate, weightDecay: decay }) => {
      const gradient = decay === 0 ? grad : tf.add(grad, tf.mul(param, decay));
      if (momentum === 0) return { param: tf.sub(param, tf.mul(gradient, learningRate)), slots: {} as Slots };
      const velocity = tf.add(tf.mul(slots.velocity as tf.Tensor, momentum), gradient);
      const direction = nesterov ? tf.add(gradient, tf.mul(velocity, momentum)) : velocity;
      return { param: tf.sub(param, tf.mul(direction, learningRate)), slots: { velocity } };
    },
  };
}
