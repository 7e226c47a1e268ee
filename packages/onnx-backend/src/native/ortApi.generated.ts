// Written by scripts/generateOrtApi.mjs from onnxruntime_c_api.h; do not edit.

/** The version of the table that is asked for: any library of this one or a later has it. */
export const ortApiVersion = 29;

/** SHA-256 of the header. */
export const ortHeaderHash = 'acc0cf4b3f28d39339c76770d76164bb7a0637dc89f5fde764b4017b632f6743';

/** Places in the table of functions. */
export const ortApiIndices = {
  GetErrorCode: 1,
  GetErrorMessage: 2,
  CreateEnv: 3,
  CreateSessionFromArray: 8,
  CreateSessionOptions: 10,
  EnableProfiling: 14,
  DisableMemPattern: 17,
  SetSessionLogSeverityLevel: 22,
  SetSessionGraphOptimizationLevel: 23,
  SetIntraOpNumThreads: 24,
  CreateTensorWithDataAsOrtValue: 49,
  CreateCpuMemoryInfo: 69,
  ReleaseStatus: 93,
  ReleaseSession: 95,
  ReleaseValue: 96,
  ReleaseSessionOptions: 100,
  AddSessionConfigEntry: 130,
  RunWithBinding: 133,
  CreateIoBinding: 134,
  ReleaseIoBinding: 135,
  BindInput: 136,
  BindOutput: 137,
} as const;
