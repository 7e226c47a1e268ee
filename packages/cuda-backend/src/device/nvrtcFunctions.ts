import type { Functions, Signature } from './native/nativeFunctions.ts';

/** The functions of NVRTC that this package calls; all but the last give an nvrtcResult. Source: NVRTC's reference. */
export const nvrtcSignatures = {
  nvrtcVersion: ['int', ['void*', 'void*']],
  nvrtcGetNumSupportedArchs: ['int', ['void*']],
  nvrtcGetSupportedArchs: ['int', ['void*']],
  // program, source, name, number of headers, their texts, their names
  nvrtcCreateProgram: ['int', ['void*', 'str', 'str', 'int', 'void*', 'void*']],
  nvrtcCompileProgram: ['int', ['void*', 'int', 'str*']],
  nvrtcGetProgramLogSize: ['int', ['void*', 'void*']],
  nvrtcGetProgramLog: ['int', ['void*', 'void*']],
  nvrtcGetCUBINSize: ['int', ['void*', 'void*']],
  nvrtcGetCUBIN: ['int', ['void*', 'void*']],
  nvrtcGetPTXSize: ['int', ['void*', 'void*']],
  nvrtcGetPTX: ['int', ['void*', 'void*']],
  nvrtcDestroyProgram: ['int', ['void*']],
  nvrtcGetErrorString: ['str', ['int']],
} as const satisfies Readonly<Record<string, Signature>>;

export type NvrtcFunctions = Functions<typeof nvrtcSignatures>;
