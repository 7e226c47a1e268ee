import { CudaError } from '../../cudaError.ts';
import type { Kernel, Module } from '../driver.ts';
import { notFoundStatus } from './driverFailure.ts';
import type { NativeContext } from './nativeContext.ts';

// CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
const mostDynamicShared = 8;

/** Dynamic shared memory that a kernel may have without being allowed more. */
const usualShared = 48 * 1024;

/** @throws CudaError `cuda/driver` for an image that the driver refuses */
export function nativeModule(context: NativeContext, image: Uint8Array): Module {
  const { functions } = context;
  context.enter();
  const module = context.handle('cuModuleLoadData', (cell) => functions.cuModuleLoadData(cell, ended(image)));
  let isLoaded = true;
  const allowed = new Map<string, number>();
  return {
    kernel(name, sharedBytes = 0): Kernel {
      if (!isLoaded)
        throw new CudaError(
          'cuda/internal',
          `internal: kernel ${name} of a module that was unloaded; please report it.`,
        );
      context.enter();
      const call = `cuModuleGetFunction of ${name}`;
      const handle = context.handle(call, (cell) => {
        const status = functions.cuModuleGetFunction(cell, module, name);
        if (status !== notFoundStatus) return status;
        throw new CudaError('cuda/kernel', `internal: the module has no kernel ${name}; please report it.`);
      });
      if (sharedBytes > (allowed.get(name) ?? usualShared)) {
        const raised = `cuFuncSetAttribute of ${name} (${sharedBytes} bytes of shared memory)`;
        context.check(functions.cuFuncSetAttribute(handle, mostDynamicShared, sharedBytes), raised);
        allowed.set(name, sharedBytes);
      }
      return { name, handle };
    },
    unload() {
      if (!isLoaded) return;
      isLoaded = false;
      context.enter();
      context.check(functions.cuModuleUnload(module), 'cuModuleUnload');
    },
  };
}

/** An image that tells its own size, or text (PTX) that ends with a zero. */
function ended(image: Uint8Array): Uint8Array {
  const isElf = image[0] === 0x7f && image[1] === 0x45;
  if (isElf && image.byteOffset % 16 === 0) return image;
  const copy = new Uint8Array(image.length + 1);
  copy.set(image);
  return copy;
}
