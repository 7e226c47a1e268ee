import * as tf from '@tensorflow/tfjs';
import type { ByTarget } from './adaloraState.ts';
import { overAllTargets } from './overAllTargets.ts';
import { placesOf } from './placesOf.ts';
import type { RankAllocator } from './rankAllocator.ts';

/**
 * Keeps the `budget` highest scores of all targets together: exactly that many, on every backend, since equal scores
 * rank by path, then by index.
 */
export const globalTop: RankAllocator = {
  name: 'globalTop',
  allocate: ({ scores, budget }): ByTarget<tf.Tensor> =>
    overAllTargets(scores, (all) => tf.cast(tf.less(placesOf(all), budget), 'float32')),
};
