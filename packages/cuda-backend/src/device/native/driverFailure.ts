import { CudaError } from '../../cudaError.ts';

/** A status of the driver that is not success, as the driver itself names it. */
export interface DriverStatus {
  readonly status: number;
  /** `CUDA_ERROR_OUT_OF_MEMORY` */
  readonly name: string;
  readonly description: string;
  /** The call that gave it, with what it was about: `cuModuleGetFunction of layerNorm`. */
  readonly call: string;
}

export const outOfMemoryStatus = 2;
export const notReadyStatus = 600;
export const notFoundStatus = 500;

/** After these the context gives the same status to every call: the work before it broke the device's state. */
const fatal: readonly number[] = [214, 220, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721];

/** Whether no call of this process can succeed any more on the device. */
export function isFatal(status: number): boolean {
  return fatal.includes(status);
}

/** What a status that users can meet asks them to do. */
const advice: Readonly<Record<number, string>> = {
  3: 'open the driver again',
  34: "this is the toolkit's stub of the driver library; put the driver's own before it on the loader's path",
  46: 'another process holds the device alone, or it is in prohibited mode; see nvidia-smi',
  100: 'no NVIDIA device is visible; see nvidia-smi and CUDA_VISIBLE_DEVICES',
  101: 'there is no device of that number; see nvidia-smi and CUDA_VISIBLE_DEVICES',
  200: 'the kernel was compiled by a later CUDA than the driver knows; update the driver',
  209: 'the kernel was compiled for other devices; please report it',
  222: 'the kernel was compiled by a later CUDA than the driver knows; update the driver',
  701: 'the launch asks for more threads, registers or shared memory than the device has; please report it',
  802: "the machine's fabric manager is not running; start nvidia-fabricmanager",
  803: 'the driver library and the driver of the kernel differ; restart the machine or the container',
  804: 'the compatibility library of CUDA does not serve this device; take its folder off the loader path',
  999: 'the driver gives no reason; see the log of the system (dmesg) for a line that starts with NVRM',
};

/** The error of a failed call; `lost` is the call after which the context was lost, where that happened before. */
export function driverFailure({ status, name, description, call }: DriverStatus, lost: string | undefined): CudaError {
  const said = `${call} fails with ${name} (${description})`;
  if (lost !== undefined && isFatal(status)) {
    return new CudaError(
      'cuda/context-lost',
      `${said}; the device was lost to this process before, when ${lost}; start the process again.`,
    );
  }
  if (isFatal(status)) {
    return new CudaError(
      'cuda/context-lost',
      `${said}; work that was put in before is to blame, and this process can use the device no more: start it again.`,
    );
  }
  if (status === outOfMemoryStatus) return new CudaError('cuda/out-of-memory', `${said}.`);
  return new CudaError('cuda/driver', `${said}; ${advice[status] ?? 'please report it'}.`);
}
