import { CudaError } from '../../cudaError.ts';
import { describeDevice } from '../describeDevice.ts';
import type { Driver } from '../driver.ts';
import { formatBytes } from '../formatBytes.ts';
import { outOfMemoryStatus } from './driverFailure.ts';
import type { DriverFunctions } from './driverFunctions.ts';
import { NativeContext } from './nativeContext.ts';
import { nativeEvent } from './nativeEvent.ts';
import type { NativeMemory } from './nativeMemory.ts';
import { nativeModule } from './nativeModule.ts';
import { nativeStream } from './nativeStream.ts';
import { PinnedBuffers } from './pinnedBuffers.ts';

// CU_MEMHOSTALLOC_PORTABLE: pinned for every context of the process.
const portable = 1;

/**
 * Opens a device by its number and takes its primary context.
 *
 * @throws CudaError `cuda/driver` where the driver refuses, `cuda/device` for a device that cannot serve
 */
export function nativeDriver(functions: DriverFunctions, memory: NativeMemory, ordinal = 0): Driver {
  const context = new NativeContext(functions, memory);
  const { number, device } = describeDevice(context, ordinal);
  context.retain(number);
  const pinned = new PinnedBuffers();

  function memoryInfo(): { free: number; total: number } {
    context.enter();
    const [free, total] = context.handles('cuMemGetInfo', (first, second) => functions.cuMemGetInfo_v2(first, second));
    return { free: Number(free), total: Number(total) };
  }

  return {
    device,
    enter: () => context.enter(),
    freeMemory: () => memoryInfo().free,
    allocate(bytes) {
      context.enter();
      return context.handle(`cuMemAlloc of ${bytes} bytes`, (cell) => {
        const status = functions.cuMemAlloc_v2(cell, bytes);
        if (status !== outOfMemoryStatus) return status;
        const { free, total } = memoryInfo();
        throw new CudaError(
          'cuda/out-of-memory',
          `${device.name} has ${formatBytes(free)} free of ${formatBytes(total)}, and ${formatBytes(bytes)} more are needed at once; make batches smaller, or end other programs that use the device.`,
        );
      });
    },
    free(address) {
      context.enter();
      context.check(functions.cuMemFree_v2(address), 'cuMemFree');
    },
    allocatePinned(bytes) {
      context.enter();
      const address = context.handle(`cuMemHostAlloc of ${bytes} bytes`, (cell) => {
        const status = functions.cuMemHostAlloc(cell, bytes, portable);
        if (status !== outOfMemoryStatus) return status;
        throw new CudaError(
          'cuda/out-of-memory',
          `the host cannot pin ${formatBytes(bytes)} of its memory for copies to ${device.name}; free some, or raise the limit of locked memory (ulimit -l).`,
        );
      });
      const buffer = memory.view(address, bytes);
      pinned.add(buffer);
      let isFreed = false;
      return {
        bytes: buffer,
        free() {
          if (isFreed) return;
          isFreed = true;
          pinned.delete(buffer);
          context.enter();
          context.check(functions.cuMemFreeHost(address), 'cuMemFreeHost');
        },
      };
    },
    openStream: () => nativeStream(context, pinned),
    createEvent: () => nativeEvent(context),
    loadModule: (image) => nativeModule(context, image),
    close: () => context.release(number),
  };
}
