import * as tf from '@tensorflow/tfjs';
import { overAllTargets } from './overAllTargets.ts';
import type { RankAllocator } from './rankAllocator.ts';
import { scoreThreshold } from './scoreThreshold.ts';

/**
 * Python PEFT's rule: the highest score outside the budget is a threshold, and what is not above it dies, so a tie at
 * the threshold leaves fewer triplets than the budget. Where nothing is to be pruned, where Python fails, all live.
 */
export const pythonThreshold: RankAllocator = {
  name: 'pythonThreshold',
  allocate: ({ scores, budget }) =>
    overAllTargets(scores, (all) => tf.cast(tf.greater(all, scoreThreshold(all, budget)), 'float32')),
};
