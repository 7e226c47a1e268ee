import { findLibrary, isFound } from '../device/findLibrary.ts';
import { loadKoffi } from '../device/loadKoffi.ts';
import { openDriver } from '../device/openDriver.ts';
import { readManifest, servingArchitecture } from '../device/shippedImages.ts';
import type { EngineParts } from './engineDoor.ts';

/** Looks for the driver and the libraries of CUDA where `cudaEngine()` does. @throws CudaError `cuda/koffi` */
export async function engineParts(): Promise<EngineParts> {
  const { load } = await loadKoffi();
  const driver = await driverPart();
  const device = 'device' in driver ? driver.device : undefined;
  const cudaMajor = device && Math.floor(device.driverVersion / 1000);
  const library = (kind: 'nvrtc' | 'cublasLt') => {
    const found = findLibrary({ kind, cudaMajor }, load);
    if (isFound(found)) found.handle.unload();
    return { kind, path: found.path, lookedAt: found.lookedAt };
  };
  return {
    driver,
    compiler: library('nvrtc'),
    products: library('cublasLt'),
    shippedKernels: device && shippedFor(device.architecture),
  };
}

async function driverPart(): Promise<EngineParts['driver']> {
  try {
    const { driver, library } = await openDriver();
    return { device: driver.device, path: library.path as string };
  } catch (error) {
    return { failure: (error as Error).message };
  }
}

function shippedFor(architecture: number): string | undefined {
  const { compiler, files } = readManifest();
  const serving = servingArchitecture(architecture);
  const images = Object.values(files).map((file) => file.images[`${serving}`]);
  return images.length > 0 && images.every((image) => image !== undefined) ? compiler : undefined;
}
