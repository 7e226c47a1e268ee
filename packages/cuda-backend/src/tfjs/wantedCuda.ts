/** The shared libraries of CUDA and cuDNN that a TensorFlow opens, all of them, before it uses a GPU. */
export interface WantedCuda {
  /** Version that TensorFlow was built with, such as `12.5`. */
  readonly cuda: string;
  /** Major version or more, such as `9` or `8.1`. */
  readonly cudnn: string;
  readonly libraries: readonly string[];
}

// Names carry the version of the interface, which is not CUDA's own. [CUDA, cuBLAS, cuFFT, cuSOLVER, cuSPARSE]
const linuxVersions: Readonly<Record<string, readonly string[]>> = {
  '11': ['11.0', '11', '10', '11', '11'],
  '12': ['12', '12', '11', '11', '12'],
  '13': ['13', '13', '12', '12', '12'],
};

/**
 * What a TensorFlow wants: what it was built with, as its wheel says or as builds of its version were.
 * Sources: TensorFlow's dso_loader and its table of tested builds.
 */
export function wantedCuda(
  tensorflow: string,
  platform: string,
  built: { readonly cuda: string; readonly cudnn: string } = testedBuild(tensorflow),
): WantedCuda {
  const { cuda, cudnn } = built;
  return { cuda, cudnn, libraries: platform === 'win32' ? windowsLibraries : linuxLibraries(cuda, cudnn) };
}

function testedBuild(tensorflow: string) {
  const minor = Number(tensorflow.split('.')[1]);
  if (minor >= 18) return { cuda: '12.5', cudnn: '9.3' };
  if (minor >= 15) return { cuda: minor === 15 ? '12.2' : '12.3', cudnn: '8.9' };
  return minor >= 12 ? { cuda: '11.8', cudnn: '8.6' } : { cuda: '11.2', cudnn: '8.1' };
}

function linuxLibraries(cuda: string, cudnn: string): readonly string[] {
  const major = cuda.split('.')[0] as string;
  const [runtime, blas, fft, solver, sparse] = linuxVersions[major] ?? (linuxVersions['13'] as readonly string[]);
  return [
    `libcudart.so.${runtime}`,
    `libcublas.so.${blas}`,
    `libcublasLt.so.${blas}`,
    `libcufft.so.${fft}`,
    // Opened by TensorFlow up to 2.14, which is CUDA 11.
    ...(major === '11' ? ['libcurand.so.10'] : []),
    `libcusolver.so.${solver}`,
    `libcusparse.so.${sparse}`,
    `libcudnn.so.${cudnn.split('.')[0]}`,
  ];
}

// TensorFlow for Windows ended with CUDA 11.
const windowsLibraries = [
  'cudart64_110.dll',
  'cublas64_11.dll',
  'cublasLt64_11.dll',
  'cufft64_10.dll',
  'curand64_10.dll',
  'cusolver64_11.dll',
  'cusparse64_11.dll',
  'cudnn64_8.dll',
];
