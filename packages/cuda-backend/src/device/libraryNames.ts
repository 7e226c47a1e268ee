/** A library of NVIDIA's that this package calls. */
export type LibraryKind = 'driver' | 'nvrtc' | 'cublasLt';

/** What a library is called in sentences. */
export const libraryTitles: Readonly<Record<LibraryKind, string>> = {
  driver: 'the library of the CUDA driver',
  nvrtc: 'the run-time compiler NVRTC',
  cublasLt: 'the product library cuBLASLt',
};

/** The environment variable that names a library's file. */
export const libraryVariables: Readonly<Record<LibraryKind, string>> = {
  driver: 'PEFT_CUDA_LIBRARY',
  nvrtc: 'PEFT_NVRTC_LIBRARY',
  cublasLt: 'PEFT_CUBLASLT_LIBRARY',
};

/** What brings a library to a machine that lacks it. */
export const libraryRemedies: Readonly<Record<LibraryKind, string>> = {
  driver: "install NVIDIA's driver for the GPU of this machine, until nvidia-smi lists it",
  nvrtc: 'run: python3 -m pip install nvidia-cuda-nvrtc-cu12 nvidia-cublas-cu12',
  cublasLt: 'run: python3 -m pip install nvidia-cuda-nvrtc-cu12 nvidia-cublas-cu12',
};

/**
 * File names of a library, the best first. A driver of CUDA 12 loads nothing of CUDA 13; a later one loads both.
 *
 * @param cudaMajor highest major version of CUDA that the driver serves
 */
export function libraryNames(kind: LibraryKind, platform: NodeJS.Platform, cudaMajor: number): string[] {
  const windows = platform === 'win32';
  if (kind === 'driver') return [windows ? 'nvcuda.dll' : 'libcuda.so.1'];
  const majors = cudaMajor >= 13 ? [13, 12] : [12];
  if (kind === 'nvrtc') return majors.map((major) => (windows ? `nvrtc64_${major}0_0.dll` : `libnvrtc.so.${major}`));
  return majors.map((major) => (windows ? `cublasLt64_${major}.dll` : `libcublasLt.so.${major}`));
}

/** Whether a file holds the device functions that NVRTC opens by itself, and finds only where the loader looks. */
export function isNvrtcBuiltins(file: string): boolean {
  return /^(libnvrtc-builtins\.so\.|nvrtc-builtins64_)/.test(file);
}
