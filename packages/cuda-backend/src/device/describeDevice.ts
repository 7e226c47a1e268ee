import { CudaError } from '../cudaError.ts';
import type { DeviceDescription } from './driver.ts';
import type { NativeContext } from './native/nativeContext.ts';

// CU_DEVICE_ATTRIBUTE_…
const multiprocessorCount = 16;
const capabilityMajor = 75;
const capabilityMinor = 76;
const mostSharedMemory = 97;

/** The first CUDA whose driver has all that is called. */
const leastDriver = 12_000;
/** The first architecture with products of bf16. */
const leastArchitecture = 80;

/**
 * Starts the driver and reads what a device is.
 *
 * @throws CudaError `cuda/driver` for a driver that does not start or is too old, `cuda/device` for a device that is
 * missing or too old
 */
export function describeDevice(
  context: NativeContext,
  ordinal: number,
): { readonly number: number; readonly device: DeviceDescription } {
  const { functions } = context;
  context.check(functions.cuInit(0), 'cuInit');
  const driverVersion = context.number('cuDriverGetVersion', (cell) => functions.cuDriverGetVersion(cell));
  if (driverVersion < leastDriver) {
    throw new CudaError(
      'cuda/driver',
      `the driver serves CUDA ${versionText(driverVersion)}, and ${versionText(leastDriver)} or later is needed; update the driver to 525 or later.`,
    );
  }
  const count = context.number('cuDeviceGetCount', (cell) => functions.cuDeviceGetCount(cell));
  if (!Number.isInteger(ordinal) || ordinal < 0 || ordinal >= count) {
    throw new CudaError(
      'cuda/device',
      `there is no CUDA device ${ordinal}: ${count === 1 ? '1 device is' : `${count} devices are`} visible, counted from 0; see nvidia-smi and CUDA_VISIBLE_DEVICES.`,
    );
  }
  const number = context.number('cuDeviceGet', (cell) => functions.cuDeviceGet(cell, ordinal));
  const attribute = (which: number) =>
    context.number('cuDeviceGetAttribute', (cell) => functions.cuDeviceGetAttribute(cell, which, number));
  const letters = new Uint8Array(256);
  context.check(functions.cuDeviceGetName(letters, letters.length, number), 'cuDeviceGetName');
  const name = new TextDecoder().decode(letters.subarray(0, letters.indexOf(0)));
  const architecture = 10 * attribute(capabilityMajor) + attribute(capabilityMinor);
  if (architecture < leastArchitecture) {
    throw new CudaError(
      'cuda/device',
      `${name} has compute capability ${(architecture / 10).toFixed(1)}, and 8.0 or later is needed (A100, RTX 30 and later); choose another device or engine.`,
    );
  }
  const memory = context.handle('cuDeviceTotalMem', (cell) => functions.cuDeviceTotalMem_v2(cell, number));
  return {
    number,
    device: {
      name,
      architecture,
      multiprocessors: attribute(multiprocessorCount),
      sharedMemory: attribute(mostSharedMemory),
      memory: Number(memory),
      driverVersion,
    },
  };
}

/** `12.4` for 12040. */
export function versionText(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}
