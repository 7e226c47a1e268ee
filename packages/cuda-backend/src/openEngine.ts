import type { CudaDescription, CudaEngineOptions } from './cudaEngine.ts';
import { CudaError } from './cudaError.ts';
import { cacheFolder } from './device/cacheFolder.ts';
import { versionText } from './device/describeDevice.ts';
import { DiskCache } from './device/diskCache.ts';
import { type LibraryReport, requireGiven } from './device/findLibrary.ts';
import { type ImageOrigin, type KernelImages, kernelImages } from './device/kernelImages.ts';
import { libraryRemedies } from './device/libraryNames.ts';
import { openCompiler } from './device/openCompiler.ts';
import { openDriver } from './device/openDriver.ts';
import { openKernelLibrary } from './device/openKernelLibrary.ts';
import { openProducts } from './device/openProducts.ts';
import { fuseSteps } from './fusion/fuseSteps.ts';
import { planGraph } from './plan/planGraph.ts';
import { commitKernel } from './program/commitLaunch.ts';
import { EngineDevice } from './program/engineDevice.ts';

/** A device made ready for programs, and what it is. */
export interface OpenedEngine {
  readonly device: EngineDevice;
  describe(): CudaDescription;
}

export interface OpenOptions extends Omit<CudaEngineOptions, 'onWarning'> {
  readonly onWarning: (message: string) => void;
  /** Whether operations are put together into generated kernels where there is a compiler; true unless given. */
  readonly fuses?: boolean;
}

/**
 * Opens the device and the libraries that serve it.
 *
 * @throws CudaError `cuda/platform`, `cuda/koffi`, `cuda/library`, `cuda/driver`, `cuda/device`, `cuda/compiler`,
 * `cuda/product`, saying what is missing, where it was looked for, and what to do
 */
export async function openEngine(options: OpenOptions): Promise<OpenedEngine> {
  const {
    device: number = 0,
    precision = 'bf16',
    libraries = {},
    graphs,
    memoryBudget,
    onWarning,
    fuses = true,
  } = options;
  const opened = await withAdvice(openDriver({ device: number, ...pathOf(libraries.driver) }));
  const { driver } = opened;
  try {
    const cudaMajor = Math.floor(driver.device.driverVersion / 1000);
    const nvrtc = await openCompiler({ cudaMajor, ...pathOf(libraries.nvrtc) });
    requireGiven(nvrtc.library);
    const cache = new DiskCache({ folder: options.cacheFolder ?? cacheFolder(), onWarning });
    const cublasLt = await openProducts({ driver, cache, ...pathOf(libraries.cublasLt) });
    requireGiven(cublasLt.library);
    const { compiler } = nvrtc;
    const counted = countedImages(kernelImages({ device: driver.device, cache, ...(compiler ? { compiler } : {}) }));
    const kernels = openKernelLibrary(driver, counted.images);
    // Where kernels cannot be had at all, this says so before anything is captured.
    await kernels.load([commitKernel]);
    const { products } = cublasLt;
    const device = new EngineDevice({
      driver,
      kernels,
      products,
      memoryBudget,
      ...(graphs === undefined ? {} : { graphs }),
      planOf: (graph) =>
        planGraph(graph, {
          device: driver.device,
          precision,
          hasProductLibrary: products !== undefined,
          ...(fuses && counted.images.canCompile ? { fuse: fuseSteps } : {}),
        }),
    });
    for (const warning of warningsOf({ nvrtc: nvrtc.library, cublasLt: cublasLt.library })) onWarning(warning);
    const reports = [opened.library, nvrtc.library, cublasLt.library];
    const placeOf = (kind: LibraryReport['kind']) => placeIn(reports.find((report) => report.kind === kind));
    return {
      device,
      describe: () => ({
        ...driver.device,
        driverVersion: versionText(driver.device.driverVersion),
        freeMemory: driver.freeMemory(),
        precision,
        graphs: device.graphs,
        libraries: { driver: placeOf('driver'), nvrtc: placeOf('nvrtc'), cublasLt: placeOf('cublasLt') },
        compiler: compiler?.version,
        kernels: { ...counted.counts },
        weights: device.weights.held,
      }),
    };
  } catch (error) {
    driver.close();
    throw error;
  }
}

const pathOf = (library: string | undefined) => (library === undefined ? {} : { library });

function placeIn(report: LibraryReport | undefined): CudaDescription['libraries']['driver'] {
  const path = report?.path;
  if (path === undefined) return undefined;
  const source = report?.lookedAt.find((place) => place.path === path)?.source ?? 'loader';
  return { path, source };
}

function countedImages(images: KernelImages) {
  const counts: Record<ImageOrigin, number> = { shipped: 0, cache: 0, compiled: 0 };
  const counting: KernelImages = {
    canCompile: images.canCompile,
    async imageOf(kernel) {
      const image = await images.imageOf(kernel);
      counts[image.origin]++;
      return image;
    },
  };
  return { images: counting, counts };
}

function warningsOf({ nvrtc, cublasLt }: Record<'nvrtc' | 'cublasLt', LibraryReport>): readonly string[] {
  const without = (what: string, so: string, remedy: string) =>
    `cudaEngine: ${what} was not found: ${so}. To have it, ${remedy}.`;
  return [
    ...(nvrtc.path === undefined
      ? [without('NVRTC', 'operations run one by one instead of fused', libraryRemedies.nvrtc)]
      : []),
    ...(cublasLt.path === undefined
      ? [without('cuBLASLt', 'matrix products run on slower kernels', libraryRemedies.cublasLt)]
      : []),
  ];
}

/** The driver's error, with the command that shows the whole machine. */
async function withAdvice<Opened>(opening: Promise<Opened>): Promise<Opened> {
  try {
    return await opening;
  } catch (cause) {
    if (!(cause instanceof CudaError)) throw cause;
    const message = `cudaEngine cannot open here: ${cause.message}\nTo see all that is there and what is missing, run: npx peft-cuda doctor`;
    throw new CudaError(cause.code, message, { cause });
  }
}
