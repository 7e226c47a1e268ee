import type { CublasLtCalls } from './cublasLtCalls.ts';
import type { ProductDescriptors } from './productDescriptors.ts';

/** Bytes of a cublasLtMatmulAlgo_t, which may be kept and given again to the same version of the library. */
const algorithmBytes = 64;
// cublasLtMatmulHeuristicResult_t: the algorithm, bytes of workspace, status, and what is not read
const resultBytes = 96;
const statusOffset = 72;
const workspaceOffset = 64;

// cublasLtMatmulPreferenceAttributes_t
const mostWorkspace = 1;
const reductionSchemes = 3;
const leastAlignments = [5, 6, 7, 8] as const;
// CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE: parts of a sum are kept in float32 and added in a fixed order.
const partsInFloat32 = 2;

export interface AlgorithmQuery {
  readonly descriptors: ProductDescriptors;
  readonly workspaceBytes: number;
  /** Bytes of which all addresses are multiples. */
  readonly alignment: number;
}

/** Up to `most` algorithms for a product, the one that the library thinks fastest first. */
export function proposedAlgorithms(
  calls: CublasLtCalls,
  { descriptors, workspaceBytes, alignment }: AlgorithmQuery,
  most: number,
): Uint8Array[] {
  const { functions, handle } = calls;
  const preference = calls.make('cublasLtMatmulPreferenceCreate', (cell) =>
    functions.cublasLtMatmulPreferenceCreate(cell),
  );
  try {
    const set = (attribute: number, value: Uint32Array | BigUint64Array) =>
      calls.check(
        functions.cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, value.byteLength),
        'cublasLtMatmulPreferenceSetAttribute',
      );
    set(mostWorkspace, BigUint64Array.of(BigInt(workspaceBytes)));
    set(reductionSchemes, Uint32Array.of(partsInFloat32));
    for (const attribute of leastAlignments) set(attribute, Uint32Array.of(alignment));
    const results = new Uint8Array(most * resultBytes);
    const count = new Int32Array(1);
    const { operation, a, b, c } = descriptors;
    calls.check(
      functions.cublasLtMatmulAlgoGetHeuristic(handle, operation, a, b, c, c, preference, most, results, count),
      'cublasLtMatmulAlgoGetHeuristic',
    );
    const view = new DataView(results.buffer);
    return Array.from({ length: count[0] ?? 0 }, (_, index) => index * resultBytes)
      .filter((start) => view.getInt32(start + statusOffset, true) === 0)
      .map((start) => results.slice(start, start + algorithmBytes));
  } finally {
    functions.cublasLtMatmulPreferenceDestroy(preference);
  }
}

/** Whether an algorithm that was kept still serves a product. */
export function isUsable(
  { functions, handle }: CublasLtCalls,
  { descriptors: { operation, a, b, c }, workspaceBytes }: AlgorithmQuery,
  algorithm: Uint8Array,
): boolean {
  if (algorithm.length !== algorithmBytes) return false;
  const result = new Uint8Array(resultBytes);
  if (functions.cublasLtMatmulAlgoCheck(handle, operation, a, b, c, c, algorithm, result) !== 0) return false;
  return Number(new DataView(result.buffer).getBigUint64(workspaceOffset, true)) <= workspaceBytes;
}
