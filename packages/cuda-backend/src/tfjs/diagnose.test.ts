import { describe, expect, it } from 'vitest';
import { cuda12Libraries, type FakeMachine, fakeMachine } from '../../test/tfjs/fakeMachine.ts';
import { cudaFacts } from './cudaFacts.ts';
import { diagnoseCpu, diagnosePackage } from './diagnose.ts';
import type { InstalledPackage } from './installedPackage.ts';
import { wantedCuda } from './wantedCuda.ts';

const build =
  "python3 -m venv ~/.peft-tensorflow && ~/.peft-tensorflow/bin/python -m pip install 'tensorflow[and-cuda]' && npx peft-cuda build-tfjs --python ~/.peft-tensorflow/bin/python";

describe('a package that cannot be loaded', () => {
  const names = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

  it('is not installed', () => {
    expect(diagnosePackage(fakeMachine(), { installed: undefined, names })).toEqual({
      code: 'cuda/tfjs-package',
      problem: 'neither @tensorflow/tfjs-node-gpu nor @tensorflow/tfjs-node is installed',
      remedy: `run: npm install --ignore-scripts @tensorflow/tfjs-node-gpu && ${build}`,
    });
    expect(diagnosePackage(fakeMachine(), { installed: undefined, names: [names[1]] })).toMatchObject({
      problem: '@tensorflow/tfjs-node is not installed',
      remedy: `run: npm install --ignore-scripts @tensorflow/tfjs-node && ${build}`,
    });
  });

  it('has no addon', () => {
    const installed = { name: names[0], version: '4.22.0', addon: '/app/tfjs_binding.node' } as InstalledPackage;
    expect(diagnosePackage(fakeMachine(), { installed, names })).toEqual({
      code: 'cuda/tfjs-addon',
      problem:
        '@tensorflow/tfjs-node-gpu 4.22.0 has no addon at /app/tfjs_binding.node: its install script did not run, or failed',
      remedy: `run: ${build}`,
    });
    expect(diagnosePackage(fakeMachine({ platform: 'win32' }), { installed, names }).remedy).toBe(
      'run: npm rebuild @tensorflow/tfjs-node-gpu',
    );
  });
});

describe('a TensorFlow on the CPU', () => {
  const { 'libcuda.so.1': driver, ...withoutDriver } = cuda12Libraries;
  const { 'libcusolver.so.11': _, 'libcudnn.so.9': __, ...fewer } = cuda12Libraries;

  function diagnosed(given: FakeMachine, tensorflow = '2.21.0', hasCuda = true) {
    const machine = fakeMachine(given);
    const wanted = hasCuda ? wantedCuda(tensorflow, machine.platform) : undefined;
    const { code, problem, remedy } = diagnoseCpu(machine, {
      tensorflow,
      wanted,
      found: cudaFacts(machine, wanted?.libraries ?? []),
    });
    expect(code).toBe('cuda/tfjs-cpu');
    return `${problem}; ${remedy}.`;
  }

  const driverRemedy =
    'install the driver of your GPU until nvidia-smi lists it; in a container, start it with: docker run --gpus all.';

  it.each<[string, string, string]>([
    [
      'on a Mac',
      diagnosed({ platform: 'darwin', arch: 'arm64' }),
      'no TensorFlow for darwin arm64 uses an NVIDIA GPU; use a machine with Linux and an NVIDIA GPU.',
    ],
    [
      'without a driver',
      diagnosed({ libraries: withoutDriver }),
      `there is no NVIDIA driver: the loader does not find libcuda.so.1; ${driverRemedy}`,
    ],
    [
      'without a driver on Windows',
      diagnosed({ platform: 'win32' }),
      `there is no NVIDIA driver: the loader does not find nvcuda.dll; ${driverRemedy}`,
    ],
    [
      'without the library of its driver',
      diagnosed({ files: { '/proc/driver/nvidia/version': 'Module  580.65.06  Release' } }),
      `the NVIDIA driver 580.65.06 is there, but the loader does not find its library libcuda.so.1; ${driverRemedy}`,
    ],
    [
      'built without CUDA',
      diagnosed({ libraries: cuda12Libraries }, '2.21.0', false),
      `TensorFlow 2.21.0 was built without CUDA; run: ${build}.`,
    ],
    [
      'newer than the driver',
      diagnosed({ libraries: { ...cuda12Libraries, 'libcuda.so.1': { cuDriverGetVersion: 11_080 } } }),
      'the NVIDIA driver runs CUDA up to 11.8, and TensorFlow 2.21.0 wants 12.5; install a newer driver.',
    ],
    [
      'from which the GPU is hidden',
      diagnosed({ libraries: cuda12Libraries, environment: { CUDA_VISIBLE_DEVICES: '-1' } }),
      'CUDA_VISIBLE_DEVICES is "-1", which hides every GPU; run: unset CUDA_VISIBLE_DEVICES.',
    ],
    [
      'without libraries',
      diagnosed({ libraries: fewer }),
      `TensorFlow 2.21.0 wants CUDA 12.5 and cuDNN 9.3, and the loader does not find libcusolver.so.11, libcudnn.so.9; run: ${build}.`,
    ],
    [
      'as tfjs-node-gpu brings it, beside CUDA 12',
      diagnosed({ libraries: cuda12Libraries }, '2.9.1'),
      `TensorFlow 2.9.1 wants CUDA 11.2 and cuDNN 8.1, and the loader does not find libcudart.so.11.0, libcublas.so.11, libcublasLt.so.11, libcufft.so.10, libcurand.so.10, libcusparse.so.11, libcudnn.so.8; run: ${build}.`,
    ],
    [
      'without libraries on Windows',
      diagnosed({ platform: 'win32', libraries: { 'nvcuda.dll': driver ?? {} } }, '2.9.1'),
      'TensorFlow 2.9.1 wants CUDA 11.2 and cuDNN 8.1, and the loader does not find cudart64_110.dll, cublas64_11.dll, cublasLt64_11.dll, cufft64_10.dll, curand64_10.dll, cusolver64_11.dll, cusparse64_11.dll, cudnn64_8.dll; install them, or use Linux (WSL 2), where current versions exist.',
    ],
    [
      'for a reason of its own',
      diagnosed({ libraries: cuda12Libraries, environment: { CUDA_VISIBLE_DEVICES: '0' } }),
      'TensorFlow 2.21.0 finds the driver (CUDA 13.0) and all its libraries, and uses no GPU; run: npx peft-cuda doctor, which prints what TensorFlow says.',
    ],
    [
      'that is old, for a reason of its own',
      diagnosed(
        {
          libraries: Object.fromEntries(
            [...wantedCuda('2.9.1', 'linux').libraries, 'libcuda.so.1'].map((name) => [name, driver ?? {}]),
          ),
        },
        '2.9.1',
      ),
      `TensorFlow 2.9.1 finds the driver (CUDA 13.0) and all its libraries, and uses no GPU; it may be too old for this GPU; run: ${build}.`,
    ],
  ])('%s', (_case, said, expected) => {
    expect(said).toBe(expected);
  });
});
