import { CudaError } from '../cudaError.ts';
import type { KernelReference } from '../plan/command.ts';
import type { Compiler } from './compiler.ts';
import type { DiskCache } from './diskCache.ts';
import type { DeviceDescription } from './driver.ts';
import { kernelText } from './kernelSource.ts';
import { type ImageManifest, readManifest, readShipped, servingArchitecture, sha256 } from './shippedImages.ts';

/** Where an image came from. */
export type ImageOrigin = 'shipped' | 'cache' | 'compiled';

export interface KernelImage {
  readonly bytes: Uint8Array;
  readonly origin: ImageOrigin;
}

/** The compiled images of kernels for one device. */
export interface KernelImages {
  /** Whether generated kernels can be had: only with a compiler. */
  readonly canCompile: boolean;
  /**
   * The image of the file that holds a kernel.
   *
   * @throws CudaError `cuda/compiler` where a compiler is needed and there is none, `cuda/compile` where it fails
   */
  imageOf(kernel: Pick<KernelReference, 'file' | 'source'>): Promise<KernelImage>;
}

export interface KernelImagesOptions {
  readonly device: Pick<DeviceDescription, 'name' | 'architecture'>;
  /** Left out where NVRTC was not found. */
  readonly compiler?: Compiler;
  /** Where compiled images are kept; without one they are made anew by every process. */
  readonly cache?: Pick<DiskCache, 'read' | 'write'>;
  /** What the package brings; read from it unless given. */
  readonly manifest?: ImageManifest;
}

/** Images of the package's files from what it brings, where that fits device and text; all others from the compiler. */
export function kernelImages({
  device,
  compiler,
  cache,
  manifest = readManifest(),
}: KernelImagesOptions): KernelImages {
  const { architecture } = device;

  function shipped(file: string, text: string): Uint8Array | undefined {
    const serving = servingArchitecture(architecture);
    const entry = manifest.files[file];
    const image = entry?.images[String(serving)];
    if (serving === undefined || image === undefined || entry?.text !== sha256(text)) return undefined;
    return readShipped(file, serving, image);
  }

  async function compiled(name: string, text: string): Promise<KernelImage> {
    if (compiler === undefined) throw needsCompiler(name, device);
    const request = { name, architecture };
    const key = ['image', compiler.version, ...compiler.optionsOf(request), text];
    const kept = cache?.read(key);
    if (kept !== undefined) return { bytes: kept, origin: 'cache' };
    const { image } = await compiler.compile(text, request);
    cache?.write(key, image);
    return { bytes: image, origin: 'compiled' };
  }

  return {
    canCompile: compiler !== undefined,
    async imageOf({ file, source }) {
      const text = kernelText(file, source);
      const brought = source === undefined ? shipped(file, text) : undefined;
      return brought === undefined ? compiled(`${file}.cu`, text) : { bytes: brought, origin: 'shipped' };
    },
  };
}

function needsCompiler(name: string, { name: device, architecture }: KernelImagesOptions['device']): CudaError {
  return new CudaError(
    'cuda/compiler',
    `${name} must be compiled for ${device} (compute capability ${(architecture / 10).toFixed(1)}), since no compiled kernels for it come with this package, and NVRTC was not found; run: python3 -m pip install nvidia-cuda-nvrtc-cu12 nvidia-cublas-cu12, and see peft-cuda doctor.`,
  );
}
