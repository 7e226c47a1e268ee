import type { Driver, Kernel } from '../src/device/driver.ts';
import type { KernelLibrary } from '../src/device/kernelLibrary.ts';

/** A driver that does nothing, at once: what is left is the time of this package. */
export function idleDriver(): Driver {
  let next = 0n;
  const handle = () => {
    next += 2n ** 20n;
    return next;
  };
  const nothing = () => {};
  return {
    device: {
      name: 'idle',
      architecture: 90,
      multiprocessors: 132,
      sharedMemory: 232_448,
      memory: 2 ** 37,
      driverVersion: 12_080,
    },
    enter: nothing,
    freeMemory: () => 2 ** 37,
    allocate: handle,
    free: nothing,
    allocatePinned: (bytes) => ({ bytes: new ArrayBuffer(bytes), free: nothing }),
    openStream: () => ({
      handle: handle(),
      upload: nothing,
      download(to) {
        // Every metric is finite, and the state is replaced.
        to[0] = 1;
      },
      copy: nothing,
      clear: nothing,
      launch: nothing,
      capture(work) {
        work();
        return { handle: handle(), nodes: 1, destroy: nothing };
      },
      launchGraph: nothing,
      record: nothing,
      synchronize: nothing,
      close: nothing,
    }),
    createEvent: () => ({ handle: handle(), isDone: () => true, since: () => 0, destroy: nothing }),
    loadModule: () => ({ kernel: (name) => ({ name, handle: handle() }), unload: nothing }),
    close: nothing,
  };
}

/** Kernels of any name. */
export function idleKernels(): KernelLibrary {
  return { load: async () => {}, kernel: ({ name }): Kernel => ({ name, handle: 1n }), close: () => {} };
}
