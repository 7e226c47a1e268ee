import { describe, expect, it } from 'vitest';
import { checkOptions } from './checkOptions.ts';
import { type CudaEngineOptions, cudaEngine } from './cudaEngine.ts';
import { CudaError } from './cudaError.ts';

const refusal = (options: object) => {
  try {
    checkOptions(options as CudaEngineOptions);
    return 'none';
  } catch (error) {
    expect(error).toBeInstanceOf(CudaError);
    return `${(error as CudaError).code}: ${(error as CudaError).message}`;
  }
};

describe('options of the engine', () => {
  it('are refused all at once', () => {
    expect(refusal({ precison: 'bf16', device: -1, precision: 'fp16', memoryBudget: 0 })).toBe(
      "cuda/options: cudaEngine: there is no option \"precison\"; there are device, precision, memoryBudget, libraries, cacheFolder, graphs, onWarning; device is -1; it is a whole number from 0 on; precision is \"fp16\"; it is 'float32', 'tf32' or 'bf16'; memoryBudget is 0; it is a number of bytes above 0.",
    );
    expect(refusal({ cacheFolder: '', graphs: 'off', onWarning: true, libraries: { nvrtc: 3, cudnn: 'x' } })).toBe(
      'cuda/options: cudaEngine: cacheFolder is ""; it is the path of a folder; graphs is "off"; it is true or false; onWarning is true; it is a function of a text; libraries.nvrtc is 3; it is the path of a file; there is no library "cudnn"; there are driver, nvrtc, cublasLt.',
    );
    expect(refusal({ libraries: 'here' })).toBe(
      'cuda/options: cudaEngine: libraries is "here"; it is a record of paths: driver, nvrtc, cublasLt.',
    );
    expect(() => cudaEngine({ device: 0.5 })).toThrow('cudaEngine: device is 0.5; it is a whole number from 0 on.');
  });

  it('are shown as what they are', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const shown = (device: unknown) => /device is (.*); it is/.exec(refusal({ device }))?.[1];
    const values = [Number.NaN, Infinity, 0n, null, Symbol('one'), () => 0, circle, [1], true];
    expect(values.map(shown)).toEqual([
      'NaN',
      'Infinity',
      '0n',
      'null',
      'Symbol(one)',
      'a function',
      'an object',
      'an array',
      'true',
    ]);
  });

  it('are a record', () => {
    const names = 'device, precision, memoryBudget, libraries, cacheFolder, graphs, onWarning';
    for (const [options, is] of [
      [null, 'null'],
      ['bf16', '"bf16"'],
      [0, '0'],
      [['bf16'], 'an array'],
      [() => ({}), 'a function'],
    ]) {
      expect(refusal(options as object)).toBe(
        `cuda/options: cudaEngine: the options are ${is}; give a record of ${names}.`,
      );
    }
    expect(refusal({ libraries: ['libcuda.so.1'] })).toBe(
      'cuda/options: cudaEngine: libraries is an array; it is a record of paths: driver, nvrtc, cublasLt.',
    );
  });

  it('pass where they are possible', () => {
    const all: CudaEngineOptions = {
      device: 1,
      precision: 'tf32',
      memoryBudget: 2 ** 30,
      libraries: { driver: '/lib/libcuda.so.1' },
      cacheFolder: 'cache',
      graphs: false,
      onWarning: () => {},
    };
    expect([refusal({}), refusal(all)]).toEqual(['none', 'none']);
  });
});
