import { CudaError } from '../../cudaError.ts';

/** The error of a build that lacks something: all that it lacks, each with its remedy. */
export function incompleteBuild(missing: readonly string[]): CudaError {
  if (missing.length === 1) return new CudaError('cuda/tfjs-build', `build-tfjs: ${missing[0]}.`);
  return new CudaError(
    'cuda/tfjs-build',
    `build-tfjs lacks ${missing.length} things:\n${missing.map((line) => `  ${line}`).join('\n')}`,
  );
}
