import { afterEach, expect, it } from 'vitest';
import { openCompiler } from './openCompiler.ts';
import { openDriver } from './openDriver.ts';

const { platform } = process;
afterEach(() => Object.defineProperty(process, 'platform', { value: platform }));

it('is one clear error where there is no driver', async () => {
  await expect(openDriver({ library: '/nowhere/libcuda.so.1' })).rejects.toMatchObject({
    code: 'cuda/library',
    message:
      "the library of the CUDA driver was not found; install NVIDIA's driver for the GPU of this machine, until nvidia-smi lists it, or name its file in PEFT_CUDA_LIBRARY. Looked at:\n  /nowhere/libcuda.so.1 (given as an option): not there",
  });
});

it('says so where no driver can be', async () => {
  Object.defineProperty(process, 'platform', { value: 'darwin' });
  await expect(openDriver()).rejects.toMatchObject({
    code: 'cuda/platform',
    message: 'NVIDIA has no CUDA driver for darwin; choose another engine on this machine.',
  });
});

it('names what a library lacks that is no driver, or an old one', async () => {
  // The library of Node itself has none of these functions.
  await expect(openDriver({ library: process.execPath })).rejects.toMatchObject({
    code: expect.stringMatching(/^cuda\/(library|driver)$/),
  });
});

it('has no compiler where there is no NVRTC, and says where it looked', async () => {
  expect(await openCompiler({ library: '/nowhere/libnvrtc.so' })).toEqual({
    compiler: undefined,
    library: {
      kind: 'nvrtc',
      path: undefined,
      lookedAt: [{ source: 'option', path: '/nowhere/libnvrtc.so', outcome: 'not there' }],
    },
  });
});
