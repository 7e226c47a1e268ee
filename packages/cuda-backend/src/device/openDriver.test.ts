import { afterEach, expect, it } from 'vitest';
import { recordedDriver } from '../../test/recording/recordedDriver.ts';
import { openCompiler } from './openCompiler.ts';
import { openDriver } from './openDriver.ts';
import { openProducts } from './openProducts.ts';

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

/** A library of this system that has none of NVIDIA's functions. */
function anotherLibrary(): string {
  const { sharedObjects } = process.report.getReport() as unknown as { readonly sharedObjects: readonly string[] };
  return sharedObjects.find((path) => /libc[.-]|kernel32/i.test(path)) ?? '';
}

it('names what a library lacks that is not the one, or too old', async () => {
  const library = anotherLibrary();
  await expect(openDriver({ library })).rejects.toMatchObject({
    code: 'cuda/driver',
    message: expect.stringMatching(
      /^the driver library .* lacks cuGetErrorName, .*cuEventElapsedTime; update the driver to 525 or later\.$/,
    ),
  });
  await expect(openCompiler({ library })).rejects.toMatchObject({
    code: 'cuda/compiler',
    message: expect.stringMatching(
      /^the NVRTC at .* lacks nvrtcVersion, .*nvrtcGetErrorString; install one of CUDA 12 or later\.$/,
    ),
  });
  await expect(openProducts({ library, driver: recordedDriver().open() })).rejects.toMatchObject({
    code: 'cuda/product',
    message: expect.stringMatching(
      /^the cuBLASLt at .* lacks cublasLtGetStatusName, .*cublasLtMatmul; install one of CUDA 12 or later\.$/,
    ),
  });
});

it('has no product library where there is no cuBLASLt', async () => {
  const { products, library } = await openProducts({ library: '/nowhere', driver: recordedDriver().open() });
  expect([products, library.lookedAt]).toEqual([
    undefined,
    [{ source: 'option', path: '/nowhere', outcome: 'not there' }],
  ]);
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
