import { expect, it } from 'vitest';
import { wantedByPackage } from './wantedByPackage.ts';
import { wantedCuda } from './wantedCuda.ts';

it('is what the TensorFlow of tfjs-node-gpu opens', () => {
  expect(wantedCuda('2.9.1', 'linux')).toEqual({
    cuda: '11.2',
    cudnn: '8.1',
    libraries: [
      'libcudart.so.11.0',
      'libcublas.so.11',
      'libcublasLt.so.11',
      'libcufft.so.10',
      'libcurand.so.10',
      'libcusolver.so.11',
      'libcusparse.so.11',
      'libcudnn.so.8',
    ],
  });
  expect(wantedCuda('2.9.1', 'win32').libraries).toEqual([
    'cudart64_110.dll',
    'cublas64_11.dll',
    'cublasLt64_11.dll',
    'cufft64_10.dll',
    'curand64_10.dll',
    'cusolver64_11.dll',
    'cusparse64_11.dll',
    'cudnn64_8.dll',
  ]);
});

it('is what a wheel says it was built with', () => {
  expect(wantedCuda('2.21.0', 'linux', { cuda: '12.5', cudnn: '9' })).toEqual({
    cuda: '12.5',
    cudnn: '9',
    libraries: [
      'libcudart.so.12',
      'libcublas.so.12',
      'libcublasLt.so.12',
      'libcufft.so.11',
      'libcusolver.so.11',
      'libcusparse.so.12',
      'libcudnn.so.9',
    ],
  });
  expect(wantedCuda('2.30.0', 'linux', { cuda: '13.0', cudnn: '9' }).libraries).toEqual([
    'libcudart.so.13',
    'libcublas.so.13',
    'libcublasLt.so.13',
    'libcufft.so.12',
    'libcusolver.so.12',
    'libcusparse.so.12',
    'libcudnn.so.9',
  ]);
});

it.each([
  ['2.10.0', '11.2', '8.1'],
  ['2.13.0', '11.8', '8.6'],
  ['2.15.0', '12.2', '8.9'],
  ['2.16.1', '12.3', '8.9'],
  ['2.20.0', '12.5', '9.3'],
])('is that of tested builds of TensorFlow %s', (tensorflow, cuda, cudnn) => {
  expect(wantedCuda(tensorflow, 'linux')).toMatchObject({ cuda, cudnn });
});

it('is nothing for a TensorFlow without CUDA', () => {
  const [gpu, cpu] = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;
  const cuda = { cuda: '12.5', cudnn: '9' };
  const built = (of: typeof cuda | undefined) => ({ tensorflow: '2.21.0', cuda: of, folders: [] });
  const machine = { platform: 'linux' } as Parameters<typeof wantedByPackage>[0];
  expect(wantedByPackage(machine, '2.9.1', { name: cpu })).toBeUndefined();
  expect(wantedByPackage(machine, '2.9.1', { name: gpu })?.cuda).toBe('11.2');
  expect(wantedByPackage(machine, '2.21.0', { name: gpu, built: built(undefined) })).toBeUndefined();
  expect(wantedByPackage(machine, '2.21.0', { name: cpu, built: built(cuda) })?.cuda).toBe('12.5');
});
