import type { Functions, Signature } from './nativeFunctions.ts';

/**
 * The functions of the driver library (libcuda) that this package calls, by their exported names: where a header of CUDA
 * maps a name to a later version, that version is named. Each gives a CUresult; handles are pointers, CUdeviceptr is
 * uint64, CUdevice int. Source: the driver API reference of CUDA 12 and 13, which agree on all of these.
 */
export const driverSignatures = {
  cuGetErrorName: ['int', ['int', 'void*']],
  cuGetErrorString: ['int', ['int', 'void*']],
  cuInit: ['int', ['uint']],
  cuDriverGetVersion: ['int', ['void*']],
  cuDeviceGetCount: ['int', ['void*']],
  cuDeviceGet: ['int', ['void*', 'int']],
  cuDeviceGetName: ['int', ['void*', 'int', 'int']],
  cuDeviceGetAttribute: ['int', ['void*', 'int', 'int']],
  cuDeviceTotalMem_v2: ['int', ['void*', 'int']],
  cuDevicePrimaryCtxRetain: ['int', ['void*', 'int']],
  cuDevicePrimaryCtxRelease_v2: ['int', ['int']],
  cuCtxSetCurrent: ['int', ['void*']],
  cuMemGetInfo_v2: ['int', ['void*', 'void*']],
  cuMemAlloc_v2: ['int', ['void*', 'size_t']],
  cuMemFree_v2: ['int', ['uint64']],
  cuMemHostAlloc: ['int', ['void*', 'size_t', 'uint']],
  cuMemFreeHost: ['int', ['void*']],
  cuMemcpyHtoDAsync_v2: ['int', ['uint64', 'void*', 'size_t', 'void*']],
  cuMemcpyDtoHAsync_v2: ['int', ['void*', 'uint64', 'size_t', 'void*']],
  cuMemcpyDtoDAsync_v2: ['int', ['uint64', 'uint64', 'size_t', 'void*']],
  cuMemsetD8Async: ['int', ['uint64', 'uchar', 'size_t', 'void*']],
  cuModuleLoadData: ['int', ['void*', 'void*']],
  cuModuleGetFunction: ['int', ['void*', 'void*', 'str']],
  cuModuleUnload: ['int', ['void*']],
  cuFuncSetAttribute: ['int', ['void*', 'int', 'int']],
  // function, grid x y z, block x y z, shared bytes, stream, kernelParams, extra
  cuLaunchKernel: ['int', ['void*', 'uint', 'uint', 'uint', 'uint', 'uint', 'uint', 'uint', 'void*', 'void*', 'void*']],
  cuStreamCreate: ['int', ['void*', 'uint']],
  cuStreamDestroy_v2: ['int', ['void*']],
  cuStreamSynchronize: ['int', ['void*']],
  cuStreamBeginCapture_v2: ['int', ['void*', 'int']],
  cuStreamEndCapture: ['int', ['void*', 'void*']],
  cuGraphGetNodes: ['int', ['void*', 'void*', 'void*']],
  cuGraphInstantiateWithFlags: ['int', ['void*', 'void*', 'uint64']],
  cuGraphDestroy: ['int', ['void*']],
  cuGraphUpload: ['int', ['void*', 'void*']],
  cuGraphLaunch: ['int', ['void*', 'void*']],
  cuGraphExecDestroy: ['int', ['void*']],
  cuEventCreate: ['int', ['void*', 'uint']],
  cuEventDestroy_v2: ['int', ['void*']],
  cuEventRecord: ['int', ['void*', 'void*']],
  cuEventQuery: ['int', ['void*']],
  // The version of CUDA 12.8 exists only there and later; this one everywhere.
  cuEventElapsedTime: ['int', ['void*', 'void*', 'void*']],
} as const satisfies Readonly<Record<string, Signature>>;

export type DriverFunctionName = keyof typeof driverSignatures;
export type DriverFunctions = Functions<typeof driverSignatures>;
