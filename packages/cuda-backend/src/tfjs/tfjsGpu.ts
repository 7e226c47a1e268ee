import { resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { CudaError } from '../cudaError.ts';
import { checkProduct } from './checkProduct.ts';
import { checkTfjsGpuOptions } from './checkTfjsGpuOptions.ts';
import { describeTfjsGpu, type TfjsGpu } from './describeTfjsGpu.ts';
import { diagnoseCpu } from './diagnose.ts';
import type { TfjsPackage } from './installedPackage.ts';
import { loadTfjsNode } from './loadTfjsNode.ts';
import { sameEngine } from './sameEngine.ts';
import { type TfjsMachine, thisTfjsMachine } from './tfjsMachine.ts';
import { backendName } from './tfjsModule.ts';

export interface TfjsGpuOptions {
  /**
   * The package that brings TensorFlow, a function that loads it, or what it exports; whichever is installed,
   * tfjs-node-gpu before tfjs-node, unless given.
   */
  readonly tensorflow?: TfjsPackage | (() => unknown) | object;
  /** Path of the addon, `tfjs_binding.node`, where `build-tfjs --out` wrote it elsewhere than into the package. */
  readonly addon?: string;
  /** Whether TensorFlow's CPU kernels will do where no GPU can be used: a warning then, an error unless given. */
  readonly allowCpu?: boolean;
  /** Whether TensorFlow takes memory of the GPU as it needs it, so that others have some too; true unless given. */
  readonly growMemory?: boolean;
  /** Told what is slower or other than it looks; console.warn unless given. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Makes TensorFlow the active backend of `@tensorflow/tfjs` and says whether it computes on a GPU.
 *
 * @throws CudaError `cuda/options`; `cuda/tfjs-package`, `cuda/tfjs-addon` where no TensorFlow loads; `cuda/tfjs-cpu`
 * where it would compute on the CPU; `cuda/tfjs-copies`, `cuda/tfjs-util`, `cuda/tfjs-product`
 */
export async function tfjsGpu(options: TfjsGpuOptions = {}): Promise<TfjsGpu> {
  checkTfjsGpuOptions(options);
  return tfjsGpuOn(await thisTfjsMachine(), options);
}

/** `tfjsGpu` on a machine given as an argument. */
export async function tfjsGpuOn(machine: TfjsMachine, options: TfjsGpuOptions): Promise<TfjsGpu> {
  const { tensorflow, allowCpu = false, growMemory = true, onWarning = console.warn } = options;
  const addon = options.addon && resolve(options.addon);
  // TensorFlow reads it once, when it starts.
  if (growMemory) process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true';
  const before = tf.getBackend() || 'cpu';
  try {
    const loaded = await loadTfjsNode(machine, { tensorflow, addon });
    const ofCopies = sameEngine(loaded.module, loaded.name);
    if (ofCopies !== undefined) onWarning(ofCopies);
    await tf.setBackend(backendName);
    const described = describeTfjsGpu(machine, loaded, await checkProduct(loaded.name));
    if (described.usesGpu) return described;
    const { code, problem, remedy } = diagnoseCpu(machine, described);
    const said = `TensorFlow computes on the CPU: ${problem}; ${remedy}.`;
    if (!allowCpu) throw new CudaError(code, `tfjsGpu: ${said}`);
    onWarning(`tfjsGpu: ${said}`);
    return described;
  } catch (error) {
    if (tf.getBackend() !== before) await tf.setBackend(before);
    throw error;
  }
}
