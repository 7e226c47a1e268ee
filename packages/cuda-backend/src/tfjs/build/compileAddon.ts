import { CudaError } from '../../cudaError.ts';
import type { TfjsMachine } from '../tfjsMachine.ts';
import { type TensorflowFiles, tensorflowLibraries } from './tensorflowFiles.ts';

export interface CompileAddon {
  readonly compiler: string;
  /** The folder of the tfjs-node package. */
  readonly package: string;
  readonly headers: string;
  readonly nodeApi: number;
  readonly tensorflow: TensorflowFiles;
  /** Libraries of CUDA that TensorFlow opens, by path. */
  readonly libraries: readonly string[];
  /** Where the addon will find libraries; may begin with `$ORIGIN`. */
  readonly searchPath: readonly string[];
  readonly output: string;
}

/** Compiles and links the addon. @throws CudaError `cuda/tfjs-build` with what the compiler says */
export async function compileAddon({ run, join }: TfjsMachine, given: CompileAddon): Promise<void> {
  const { folder } = given.tensorflow;
  const args = [
    ...['-O2', '-shared', '-fPIC', '-std=c++17', `-DNAPI_VERSION=${given.nodeApi}`],
    ...[given.headers, join(folder, 'include')].flatMap((place) => ['-I', place]),
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(given.package, 'binding', file)),
    ...tensorflowLibraries.map((library) => join(folder, library)),
    // TensorFlow opens libraries of CUDA by bare name, and where one is not found it computes on the CPU without a word.
    // As needs of the addon they are there before, or the addon says which is not.
    '-Wl,--no-as-needed',
    ...given.libraries,
    // DT_RPATH also serves what TensorFlow opens later; DT_RUNPATH would not.
    '-Wl,--disable-new-dtags',
    ...given.searchPath.map((place) => `-Wl,-rpath,${place}`),
    ...['-o', given.output],
  ];
  const { status, errors } = await run(given.compiler, { args });
  if (status === 0) return;
  throw new CudaError(
    'cuda/tfjs-build',
    `build-tfjs: ${given.compiler} fails with status ${status}; it says:\n${errors.trim()}`,
  );
}
