import { CudaError } from '../cudaError.ts';
import type { Driver } from './driver.ts';
import { findLibrary, type LibraryReport, requireFound } from './findLibrary.ts';
import { loadKoffi } from './loadKoffi.ts';
import { driverSignatures } from './native/driverFunctions.ts';
import { nativeDriver } from './native/nativeDriver.ts';
import { findFunctions } from './native/nativeFunctions.ts';
import { koffiMemory } from './native/nativeMemory.ts';

export interface DriverOptions {
  /** Number of the device, counted from 0 as CUDA_VISIBLE_DEVICES leaves them; 0 unless given. */
  readonly device?: number;
  /** File of the driver library; searched for unless given. */
  readonly library?: string;
}

/**
 * Finds the driver library and opens a device.
 *
 * @throws CudaError `cuda/platform`, `cuda/library`, `cuda/driver` or `cuda/device`, saying what is missing and what to do
 */
export async function openDriver({ device = 0, library }: DriverOptions = {}): Promise<{
  readonly driver: Driver;
  readonly library: LibraryReport;
}> {
  if (process.platform !== 'linux' && process.platform !== 'win32') {
    throw new CudaError(
      'cuda/platform',
      `NVIDIA has no CUDA driver for ${process.platform}; choose another engine on this machine.`,
    );
  }
  const koffi = await loadKoffi();
  const found = requireFound(findLibrary({ kind: 'driver', path: library }, koffi.load));
  const { functions, missing } = findFunctions(found.handle, driverSignatures);
  if (missing.length > 0) {
    throw new CudaError(
      'cuda/driver',
      `the driver library ${found.path} lacks ${missing.join(', ')}; update the driver to 525 or later.`,
    );
  }
  const driver = nativeDriver(functions, koffiMemory(koffi), device);
  // koffi unloads a library whose handle is collected, while the functions found in it still point there.
  kept.add(found.handle);
  return { driver, library: found };
}

const kept = new Set<object>();
