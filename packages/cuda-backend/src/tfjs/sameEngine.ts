import * as tf from '@tensorflow/tfjs';
import { CudaError } from '../cudaError.ts';
import type { TfjsModule } from './tfjsModule.ts';

/**
 * Checks that tfjs-node registered its backend where this program's tensors live.
 *
 * @returns what to say of a second copy of tfjs that shares the first one's engine
 * @throws CudaError `cuda/tfjs-copies` for a copy with an engine of its own
 */
export function sameEngine(loaded: TfjsModule, packageName: string): string | undefined {
  if (loaded.engine() === tf.engine()) {
    if (loaded.Tensor === tf.Tensor) return undefined;
    return `tfjsGpu: ${packageName} loads a copy of @tensorflow/tfjs of its own (${loaded.version.tfjs}, this program has ${tf.version.tfjs}), which shares this program's engine but registers every kernel again; ${remedy(packageName)}`;
  }
  throw new CudaError(
    'cuda/tfjs-copies',
    `tfjsGpu: ${packageName} loads a copy of @tensorflow/tfjs with an engine of its own (${loaded.version.tfjs}, this program has ${tf.version.tfjs}), so tensors of this program never reach it; ${remedy(packageName)}`,
  );
}

function remedy(packageName: string): string {
  const { tfjs } = tf.version;
  return `run: npm install --ignore-scripts @tensorflow/tfjs@${tfjs} ${packageName}@${tfjs} && npm dedupe.`;
}
