import { CudaError } from '../cudaError.ts';
import type { KernelReference } from '../plan/command.ts';
import type { Driver, Kernel, Module } from './driver.ts';
import type { KernelImages } from './kernelImages.ts';
import type { KernelForm, KernelLibrary } from './kernelLibrary.ts';

/** The kernels of a device, loaded from its images as they are wanted and kept until it is closed. */
export function openKernelLibrary(driver: Pick<Driver, 'loadModule'>, images: KernelImages): KernelLibrary {
  const modules = new Map<string, Module>();
  const loading = new Map<string, Promise<void>>();
  const kernels = new Map<string, Kernel>();
  let isClosed = false;

  async function loadFile(reference: KernelReference): Promise<void> {
    const { bytes } = await images.imageOf(reference);
    if (!isClosed) modules.set(keyOf(reference), driver.loadModule(bytes));
  }

  return {
    async load(references) {
      const waiting = new Set<Promise<void>>();
      for (const reference of references) {
        const key = keyOf(reference);
        if (modules.has(key)) continue;
        const started = loading.get(key) ?? loadFile(reference).finally(() => loading.delete(key));
        loading.set(key, started);
        waiting.add(started);
      }
      await Promise.all(waiting);
    },
    kernel(reference, { many = false, sharedBytes = 0 }: KernelForm = {}) {
      const module = modules.get(keyOf(reference));
      const name = many ? `${reference.name}Many` : reference.name;
      if (module === undefined) {
        throw new CudaError(
          'cuda/internal',
          `internal: kernel ${name} of ${reference.file}.cu is used before it was loaded; please report it.`,
        );
      }
      const key = JSON.stringify([keyOf(reference), name, sharedBytes]);
      const known = kernels.get(key) ?? module.kernel(name, sharedBytes);
      kernels.set(key, known);
      return known;
    },
    close() {
      isClosed = true;
      for (const module of modules.values()) module.unload();
      modules.clear();
      kernels.clear();
    },
  };
}

function keyOf({ file, source }: KernelReference): string {
  return source === undefined ? file : `${file}\n${source}`;
}
