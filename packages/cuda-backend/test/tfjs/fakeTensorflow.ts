import * as tf from '@tensorflow/tfjs';
import type { TfjsModule } from '../../src/tfjs/tfjsModule.ts';

export interface FakeTensorflow {
  readonly isUsingGpuDevice?: boolean;
  readonly isGPUPackage?: boolean;
  readonly version?: string;
  /** Changes the values that a product gives. */
  readonly spoil?: (values: Float32Array) => void;
}

/** Makes tfjs's own kernels the backend `tensorflow`, as tfjs-node does with its own when it is loaded. */
export function registerTensorflow({
  isUsingGpuDevice = true,
  isGPUPackage = true,
  version = '2.21.0',
  spoil,
}: FakeTensorflow = {}): TfjsModule {
  removeTensorflow();
  tf.registerBackend('tensorflow', () => {
    const backend = tf.findBackendFactory('cpu')() as tf.KernelBackend;
    const read = backend.readSync.bind(backend);
    const spoiled = (id: object) => {
      const values = read(id).slice() as Float32Array;
      spoil?.(values);
      return values;
    };
    const binding = { TF_Version: version };
    return Object.assign(backend, {
      // Keeps tfjs from advertising tfjs-node.
      firstUse: false,
      isUsingGpuDevice,
      isGPUPackage,
      binding,
      readSync: spoiled,
      read: async (id: object) => spoiled(id),
    });
  });
  tf.copyRegisteredKernels('cpu', 'tensorflow');
  return tf;
}

export function removeTensorflow(): void {
  if (!tf.findBackendFactory('tensorflow')) return;
  tf.removeBackend('tensorflow');
  for (const { kernelName } of tf.getKernelsForBackend('tensorflow')) tf.unregisterKernel(kernelName, 'tensorflow');
}
