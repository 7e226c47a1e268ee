import * as tf from '@tensorflow/tfjs';
import type { HostInputs, TensorInputs } from './engine.ts';
import { type HostArray, toTensor } from './hostArray.ts';

/** The inputs of a step as tensors of the caller's scope. */
export function uploadInputs(inputs: HostInputs): TensorInputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => {
      if (typeof value === 'number') return [key, tf.scalar(value)];
      return [key, isHostArray(value) ? toTensor(value) : uploadInputs(value)];
    }),
  );
}

function isHostArray(value: HostArray | HostInputs): value is HostArray {
  return ArrayBuffer.isView((value as HostArray).data);
}
