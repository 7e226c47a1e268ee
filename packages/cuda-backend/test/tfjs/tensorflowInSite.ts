const cudaWheels = {
  cuda_runtime: 'libcudart.so.12',
  cublas: 'libcublas.so.12',
  cufft: 'libcufft.so.11',
  cusolver: 'libcusolver.so.11',
  cusparse: 'libcusparse.so.12',
  cudnn: 'libcudnn.so.9',
};

/** Files that pip lays down for TensorFlow 2.21, with the wheels of CUDA 12.9 unless it has no CUDA. */
export function tensorflowInSite(
  site: string,
  { hasCuda = true, name = 'tensorflow', cuda = '12.5.1', runtime = '12.9.79' } = {},
): Readonly<Record<string, string>> {
  const info = hasCuda
    ? `('cuda_version', '${cuda}'), ('cudnn_version', '9'), ('is_cuda_build', True)`
    : "('is_cuda_build', False), ('is_rocm_build', False)";
  const files: readonly (readonly [path: string, text: string])[] = [
    ['tensorflow/libtensorflow_cc.so.2', 'cc'],
    ['tensorflow/libtensorflow_framework.so.2', 'framework'],
    ['tensorflow/include/tensorflow/c/c_api.h', '// api'],
    ['tensorflow/include/tensorflow/c/eager/c_api.h', '// eager'],
    ['tensorflow/python/platform/build_info.py', `build_info = collections.OrderedDict([${info}])`],
    ['tensorflow_io_gcs_filesystem-0.37.1.dist-info/METADATA', ''],
    [`${name}-2.21.0.dist-info/METADATA`, 'Version: 2.21.0'],
    ...(hasCuda
      ? [
          [`nvidia_cuda_runtime_cu12-${runtime}.dist-info/METADATA`, ''] as const,
          ...Object.entries(cudaWheels).map(([part, file]) => [`nvidia/${part}/lib/${file}`, ''] as const),
          ['nvidia/cublas/lib/libcublasLt.so.12', ''] as const,
        ]
      : []),
  ];
  return Object.fromEntries(files.map(([path, text]) => [`${site}/${path}`, text]));
}
