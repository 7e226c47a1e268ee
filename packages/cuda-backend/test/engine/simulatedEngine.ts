import type { CudaEngine } from '../../src/cudaEngine.ts';
import { engineOn } from '../../src/engineOn.ts';
import { type OpenOptions, openEngine } from '../../src/openEngine.ts';
import { simulatedImages, simulatedLibraries } from '../simulator/simulatedLibraries.ts';

/** The engine on the simulated device. Each operation is a kernel of the package unless `fuses`: those are built once. */
export function simulatedEngine(options: Partial<OpenOptions> = {}): CudaEngine {
  return engineOn(() =>
    openEngine({
      precision: 'float32',
      libraries: simulatedLibraries(),
      cacheFolder: simulatedImages(),
      fuses: false,
      onWarning: (message) => {
        throw new Error(message);
      },
      ...options,
    }),
  );
}
