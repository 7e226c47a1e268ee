import { Weights } from '@peft/core';
import { expect, it } from 'vitest';
import { cudaEngine } from './cudaEngine.ts';
import { CudaError } from './cudaError.ts';

it('says on a machine without the driver what is missing, where it was looked for, and what to do', async () => {
  const engine = cudaEngine({ libraries: { driver: '/nowhere/libcuda.so.1' } });
  const platforms = ['linux', 'win32'];
  const expected = platforms.includes(process.platform)
    ? {
        code: 'cuda/library',
        message: `cudaEngine cannot open here: the library of the CUDA driver was not found; install NVIDIA's driver for the GPU of this machine, until nvidia-smi lists it, or name its file in PEFT_CUDA_LIBRARY. Looked at:
  /nowhere/libcuda.so.1 (given as an option): not there
To see all that is there and what is missing, run: npx peft-cuda doctor`,
      }
    : {
        code: 'cuda/platform',
        message: `cudaEngine cannot open here: NVIDIA has no CUDA driver for ${process.platform}; choose another engine on this machine.
To see all that is there and what is missing, run: npx peft-cuda doctor`,
      };
  for (const use of [() => engine.open(), () => engine.describe(), () => engine.compile({}, new Weights([]))]) {
    const error = await use().then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(CudaError);
    expect({ code: error.code, message: error.message }).toEqual(expected);
  }
  engine.dispose();
});
