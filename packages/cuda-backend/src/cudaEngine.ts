import type { Engine } from '@peft/core';
import { checkOptions } from './checkOptions.ts';
import type { DeviceDescription } from './device/driver.ts';
import type { ImageOrigin } from './device/kernelImages.ts';
import type { PlaceSource } from './device/libraryPlaces.ts';
import { engineOn } from './engineOn.ts';
import type { Precision } from './lowering/emitter.ts';
import { openEngine } from './openEngine.ts';

export interface CudaEngineOptions {
  /** Number of the device, counted from 0 as CUDA_VISIBLE_DEVICES leaves them; 0 unless given. */
  readonly device?: number;
  /**
   * How exact a step is; 'bf16' unless given: frozen weights and activations in bfloat16, everything that is trained, its
   * moments, statistics, sums and losses in float32. 'tf32' keeps all in float32 and rounds inside products, 'float32'
   * rounds nowhere.
   */
  readonly precision?: Precision;
  /**
   * Bytes that the results of a step may hold at one time, beside weights and state: to stay below, it computes cheap
   * results again for the backward pass. Without it everything is kept, which is fastest.
   */
  readonly memoryBudget?: number;
  /** Files of NVIDIA's libraries; each is searched for unless given. */
  readonly libraries?: { readonly driver?: string; readonly nvrtc?: string; readonly cublasLt?: string };
  /** Where compiled kernels and chosen algorithms are kept; PEFT_CUDA_CACHE or the user's cache folder unless given. */
  readonly cacheFolder?: string;
  /** false runs operation after operation and waits for each: slow, and an error of the device names its operation. */
  readonly graphs?: boolean;
  /** Told once of each library that is missed; console.warn unless given. */
  readonly onWarning?: (message: string) => void;
}

/** Where a library was found. */
export interface FoundAt {
  readonly path: string;
  readonly source: PlaceSource;
}

/** What runs the steps. */
export interface CudaDescription extends Omit<DeviceDescription, 'driverVersion'> {
  /** Highest CUDA that the driver serves: `12.4`. */
  readonly driverVersion: string;
  readonly freeMemory: number;
  readonly precision: Precision;
  readonly graphs: boolean;
  /** Undefined where one was not found. */
  readonly libraries: Readonly<Record<'driver' | 'nvrtc' | 'cublasLt', FoundAt | undefined>>;
  /** Name and version of NVRTC; undefined where it was not found. */
  readonly compiler: string | undefined;
  /** Files of kernels loaded so far: those the package brings, those of the disk cache, those compiled now. */
  readonly kernels: Readonly<Record<ImageOrigin, number>>;
  /** Copies of frozen weights on the device. */
  readonly weights: { readonly count: number; readonly bytes: number };
}

export interface CudaEngine extends Engine {
  /** Opens the device. @throws CudaError that says what is missing, where it was looked for, and what to do */
  open(): Promise<void>;
  /** What runs the steps; opens the device. */
  describe(): Promise<CudaDescription>;
  /** Gives the device back once every program is disposed of; the next use opens it again. */
  dispose(): void;
}

/** An engine that captures each step once and replays it as one graph of an NVIDIA GPU. @throws CudaError `cuda/options` */
export function cudaEngine(options: CudaEngineOptions = {}): CudaEngine {
  checkOptions(options);
  const { onWarning = console.warn } = options;
  return engineOn(() => openEngine({ ...options, onWarning }));
}
