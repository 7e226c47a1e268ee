import type { Functions, Signature } from '../native/nativeFunctions.ts';

/** The functions of cuBLASLt that this package calls; an int result is a cublasStatus_t. Source: cuBLAS's reference. */
export const cublasLtSignatures = {
  cublasLtGetStatusName: ['str', ['int']],
  cublasLtGetStatusString: ['str', ['int']],
  cublasLtGetVersion: ['size_t', []],
  cublasLtCreate: ['int', ['void*']],
  cublasLtDestroy: ['int', ['void*']],
  // descriptor, cublasComputeType_t, cudaDataType_t of alpha and beta
  cublasLtMatmulDescCreate: ['int', ['void*', 'int', 'int']],
  cublasLtMatmulDescSetAttribute: ['int', ['void*', 'int', 'void*', 'size_t']],
  cublasLtMatmulDescDestroy: ['int', ['void*']],
  // layout, cudaDataType_t, rows, columns, leading dimension
  cublasLtMatrixLayoutCreate: ['int', ['void*', 'int', 'uint64', 'uint64', 'int64']],
  cublasLtMatrixLayoutSetAttribute: ['int', ['void*', 'int', 'void*', 'size_t']],
  cublasLtMatrixLayoutDestroy: ['int', ['void*']],
  cublasLtMatmulPreferenceCreate: ['int', ['void*']],
  cublasLtMatmulPreferenceSetAttribute: ['int', ['void*', 'int', 'void*', 'size_t']],
  cublasLtMatmulPreferenceDestroy: ['int', ['void*']],
  // handle, descriptor, layouts of a b c d, preference, number asked for, results, number given
  cublasLtMatmulAlgoGetHeuristic: [
    'int',
    ['void*', 'void*', 'void*', 'void*', 'void*', 'void*', 'void*', 'int', 'void*', 'void*'],
  ],
  // handle, descriptor, layouts of a b c d, algorithm, result
  cublasLtMatmulAlgoCheck: ['int', ['void*', 'void*', 'void*', 'void*', 'void*', 'void*', 'void*', 'void*']],
  // handle, descriptor, alpha, a, its layout, b, its layout, beta, c, its layout, d, its layout, algorithm, workspace, its
  // bytes, stream
  cublasLtMatmul: [
    'int',
    [
      'void*',
      'void*',
      'void*',
      'uint64',
      'void*',
      'uint64',
      'void*',
      'void*',
      'uint64',
      'void*',
      'uint64',
      'void*',
      'void*',
      'uint64',
      'size_t',
      'void*',
    ],
  ],
} as const satisfies Readonly<Record<string, Signature>>;

export type CublasLtFunctions = Functions<typeof cublasLtSignatures>;
