import * as tf from '@tensorflow/tfjs';
import { PeftError } from './error.ts';
import { type Composition, operation } from './operation.ts';

type Direction = { readonly backward: boolean };

/** Rotates by the angles, or back. */
const rotate: Composition<'x' | 'cos' | 'sin', Direction> = operation({
  name: 'PeftRotary',
  compose: ({ x, cos, sin }, { backward }) => {
    const [first, second] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
    const forth = backward ? tf.neg(sin) : sin;
    return tf.concat(
      [tf.sub(tf.mul(first, cos), tf.mul(second, forth)), tf.add(tf.mul(second, cos), tf.mul(first, forth))],
      -1,
    );
  },
  gradient: {
    saves: ['cos', 'sin'],
    of: (dy, { cos, sin }, { backward }) => ({ x: () => rotate({ x: dy, cos, sin }, { backward: !backward }) }),
  },
});

/**
 * Rotary position embedding: turns each pair (x[i], x[i + size / 2]) of the last axis by an angle of its place (Su et al.,
 * arXiv:2104.09864, in the halves of Llama and GPT-NeoX).
 *
 * `x` [..., places, size], `cos` and `sin` of the angles [places, size / 2], float32; angles have no gradient.
 * @throws PeftError `ops/shape`
 */
export function rotary(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const [places, size] = x.shape.slice(-2) as [number, number];
  const angles = `${[places, size / 2]}`;
  if (x.rank < 2 || `${cos.shape}` !== angles || `${sin.shape}` !== angles) {
    throw new PeftError(
      'ops/shape',
      `rotary of [${x.shape}] with cos [${cos.shape}] and sin [${sin.shape}] does not fit: ` +
        'it takes [..., places, size] and twice [places, size / 2].',
    );
  }
  return rotate({ x, cos, sin }, { backward: false });
}
