import { expect, it } from 'vitest';
import { cuda12Libraries, fakeMachine } from '../../test/tfjs/fakeMachine.ts';
import { cudaFacts, driverFacts } from './cudaFacts.ts';
import { wantedCuda } from './wantedCuda.ts';

const { libraries: wanted } = wantedCuda('2.21.0', 'linux');
const version = `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build
GCC version:  gcc version 12.3.0`;

it('names versions and what is missing', () => {
  const machine = fakeMachine({ files: { '/proc/driver/nvidia/version': version }, libraries: cuda12Libraries });
  expect(cudaFacts(machine, wanted)).toEqual({
    driver: { version: '580.65.06', cuda: '13.0' },
    cuda: '12.5',
    cudnn: '9.3.0',
    missing: [],
  });
  const { 'libcusolver.so.11': _, 'libcudnn.so.9': __, ...fewer } = cuda12Libraries;
  expect(cudaFacts(fakeMachine({ libraries: fewer }), wanted)).toMatchObject({
    cudnn: undefined,
    missing: ['libcusolver.so.11', 'libcudnn.so.9'],
  });
  expect(cudaFacts(fakeMachine(), wanted)).toEqual({
    driver: { version: undefined, cuda: undefined },
    cuda: undefined,
    cudnn: undefined,
    missing: wanted,
  });
});

it('looks in the folders of the addon first', () => {
  const machine = fakeMachine({
    files: { '/wheel/lib/libcudnn.so.9': '', '/broken/lib/libcudnn.so.9': '' },
    libraries: {
      'libcudnn.so.9': { cudnnGetVersion: 90_100 },
      '/wheel/lib/libcudnn.so.9': { cudnnGetVersion: 92_800 },
      'libcudnn.so.8': { cudnnGetVersion: 8_907 },
    },
  });
  const cudnnOf = (name: string, folders: readonly string[]) => cudaFacts(machine, [name], folders).cudnn;
  expect(cudnnOf('libcudnn.so.9', ['/none', '/broken/lib', '/wheel/lib'])).toBe('9.28.0');
  expect(cudnnOf('libcudnn.so.9', ['/broken/lib'])).toBe('9.1.0');
  expect(cudnnOf('libcudnn.so.8', ['/wheel/lib'])).toBe('8.9.7');
});

it('knows the driver of Windows by its library', () => {
  const libraries = { 'nvcuda.dll': { cuDriverGetVersion: 12_040 } };
  expect(driverFacts(fakeMachine({ platform: 'win32', libraries }))).toEqual({ version: undefined, cuda: '12.4' });
  expect(driverFacts(fakeMachine({ libraries }))).toEqual({ version: undefined, cuda: undefined });
  const stub = { 'libcuda.so.1': { cuDriverGetVersion: 0 } };
  expect(driverFacts(fakeMachine({ libraries: stub })).cuda).toBeUndefined();
});
