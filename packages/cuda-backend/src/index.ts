export {
  type CudaDescription,
  type CudaEngine,
  type CudaEngineOptions,
  cudaEngine,
  type FoundAt,
} from './cudaEngine.ts';
export { CudaError } from './cudaError.ts';
export type { Precision } from './lowering/emitter.ts';
export type { CudaFacts, DriverFacts } from './tfjs/cudaFacts.ts';
export type { TfjsGpu } from './tfjs/describeTfjsGpu.ts';
export type { TfjsPackage } from './tfjs/installedPackage.ts';
export { type TfjsGpuOptions, tfjsGpu } from './tfjs/tfjsGpu.ts';
export type { WantedCuda } from './tfjs/wantedCuda.ts';
