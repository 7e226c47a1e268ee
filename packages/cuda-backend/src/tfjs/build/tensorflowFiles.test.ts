import { expect, it } from 'vitest';
import { fakeMachine } from '../../../test/tfjs/fakeMachine.ts';
import { tensorflowInSite } from '../../../test/tfjs/tensorflowInSite.ts';
import { pythonSites } from './pythonSites.ts';
import { tensorflowFiles } from './tensorflowFiles.ts';

it('reads versions and places of a TensorFlow with CUDA', () => {
  expect(tensorflowFiles(fakeMachine({ files: tensorflowInSite('/site') }), ['/site'])).toEqual({
    folder: '/site/tensorflow',
    version: '2.21.0',
    cuda: { cuda: '12.5', cudnn: '9' },
    runtimeWheel: '12.9.79',
    libraryFolders: ['cuda_runtime', 'cublas', 'cufft', 'cusolver', 'cusparse', 'cudnn'].map(
      (part) => `/site/nvidia/${part}/lib`,
    ),
  });
});

it('reads one without CUDA, and wheels of CUDA elsewhere', () => {
  const files = {
    ...tensorflowInSite('/cpu', { hasCuda: false, name: 'tensorflow_cpu' }),
    '/user/nvidia/cublas/lib/libcublas.so.12': '',
    '/user/nvidia/cuda_nvcc/bin/ptxas': '',
  };
  expect(tensorflowFiles(fakeMachine({ files }), ['/user', '/cpu'])).toEqual({
    folder: '/cpu/tensorflow',
    version: '2.21.0',
    cuda: undefined,
    runtimeWheel: undefined,
    libraryFolders: ['/user/nvidia/cublas/lib'],
  });
});

it('says what is missing', () => {
  expect(tensorflowFiles(fakeMachine(), ['/a', '/b'])).toBe('there is no TensorFlow in /a, /b');
  const {
    '/site/tensorflow/include/tensorflow/c/eager/c_api.h': _,
    '/site/tensorflow/libtensorflow_cc.so.2': __,
    ...less
  } = tensorflowInSite('/site');
  expect(tensorflowFiles(fakeMachine({ files: less }), ['/site'])).toBe(
    'the TensorFlow in /site has no libtensorflow_cc.so.2, include/tensorflow/c/eager/c_api.h',
  );
});

it('asks a Python where it imports from', async () => {
  const answering = (output: string) =>
    fakeMachine({ run: (program, args) => (program === 'python3' && args[0] === '-c' ? { output } : undefined) });
  expect(await pythonSites(answering('["/site", "/user", "/site"]\n'), 'python3')).toEqual(['/site', '/user']);
  expect(await pythonSites(answering('[]'), 'python3')).toBe('python3 has no TensorFlow');
  expect(await pythonSites(answering('[]'), 'python9')).toBe('python9 does not run: spawn python9 ENOENT');
});
