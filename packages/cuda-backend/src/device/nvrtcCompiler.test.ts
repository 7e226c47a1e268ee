import { expect, it } from 'vitest';
import { compilerTarget } from './compilerTarget.ts';
import { nvrtcCompiler } from './nvrtcCompiler.ts';
import type { NvrtcFunctions } from './nvrtcFunctions.ts';

interface Answers {
  readonly version?: number;
  readonly compile?: number;
  readonly log?: string;
}

/** An NVRTC that answers as told and tells what it was given. */
function madeUp({ version = 0, compile = 0, log = '' }: Answers) {
  const seen: unknown[] = [];
  let living = 0;
  const letters = new TextEncoder().encode(`${log}\0`);
  const write = (cell: unknown, value: number | bigint) => {
    (cell as (number | bigint)[])[0] = value;
    return 0;
  };
  const functions: Record<keyof NvrtcFunctions, (...given: unknown[]) => number | string> = {
    nvrtcVersion: (major, minor) => write(major, 12) || write(minor, 9) || version,
    nvrtcGetNumSupportedArchs: (cell) => write(cell, 4),
    nvrtcGetSupportedArchs: (cell) => {
      (cell as Int32Array).set([120, 80, 90, 100]);
      return 0;
    },
    nvrtcCreateProgram: (cell, ...rest) => {
      seen.push(rest);
      living++;
      return write(cell, 77n);
    },
    nvrtcCompileProgram: (program, count, options) => {
      seen.push([program, count, options]);
      return compile;
    },
    nvrtcGetProgramLogSize: (_program, cell) => write(cell, BigInt(letters.length)),
    nvrtcGetProgramLog: (_program, bytes) => {
      (bytes as Uint8Array).set(letters);
      return 0;
    },
    nvrtcGetCUBINSize: (_program, cell) => write(cell, 2n),
    nvrtcGetCUBIN: (_program, bytes) => {
      (bytes as Uint8Array).set([1, 2]);
      return 0;
    },
    nvrtcGetPTXSize: (_program, cell) => write(cell, 1n),
    nvrtcGetPTX: (_program, bytes) => {
      (bytes as Uint8Array).set([3]);
      return 0;
    },
    nvrtcDestroyProgram: (cell) => {
      seen.push((cell as BigUint64Array)[0]);
      living--;
      return 0;
    },
    nvrtcGetErrorString: (status) => `NVRTC_ERROR_${status}`,
  };
  const entries = Object.entries(functions).map(([name, run]) => [
    name,
    Object.assign(run, { later: (...given: unknown[]) => Promise.resolve(run(...given)) }),
  ]);
  return {
    seen,
    living: () => living,
    open: () => nvrtcCompiler(Object.fromEntries(entries) as unknown as NvrtcFunctions),
  };
}

it('compiles a text for an architecture and gives its image', async () => {
  const { seen, living, open } = madeUp({ log: 'a remark\n' });
  const compiler = open();
  const compiled = await compiler.compile('text', { name: 'norm.cu', architecture: 80, options: ['-Xptxas=-v'] });
  expect(compiled).toEqual({ image: Uint8Array.of(1, 2), log: 'a remark' });
  expect(compiler.version).toBe('NVRTC 12.9');
  expect(seen).toEqual([
    ['text', 'norm.cu', 0, null, null],
    [77n, 3, ['--gpu-architecture=sm_80', '--std=c++17', '-Xptxas=-v']],
    77n,
  ]);
  expect(living()).toBe(0);
});

it('gives text that the driver compiles to a device that came after the compiler', async () => {
  const { open } = madeUp({});
  const { image } = await open().compile('text', { name: 'norm.cu', architecture: 130 });
  expect([...image]).toEqual([3]);
});

it.each([
  [80, 'sm_80', 'cubin'],
  [86, 'sm_80', 'cubin'],
  [90, 'sm_90a', 'cubin'],
  [103, 'sm_100', 'cubin'],
  [110, 'compute_100', 'ptx'],
  [120, 'sm_120', 'cubin'],
  [121, 'sm_120', 'cubin'],
  [200, 'compute_120', 'ptx'],
])('a device of %d is served by %s', (architecture, name, format) => {
  expect(compilerTarget(architecture, [80, 90, 100, 120])).toEqual({ architecture: name, format });
});

it('gives the log of a text that does not compile, and frees what it made', async () => {
  const { living, open } = madeUp({ compile: 6, log: 'norm.cu(12): error: identifier "x" is undefined' });
  await expect(open().compile('text', { name: 'norm.cu', architecture: 90 })).rejects.toMatchObject({
    code: 'cuda/compile',
    message:
      'norm.cu does not compile for sm_90a with NVRTC 12.9; please report it with what the compiler says:\nnorm.cu(12): error: identifier "x" is undefined',
  });
  expect(living()).toBe(0);
});

it('says what else goes wrong', async () => {
  await expect(madeUp({ compile: 7 }).open().compile('', { name: 'norm.cu', architecture: 90 })).rejects.toThrow(
    'nvrtcCompileProgram of norm.cu fails with NVRTC_ERROR_7; NVRTC does not find its builtins (libnvrtc-builtins), which are installed beside it.',
  );
  expect(() => madeUp({ version: 11 }).open()).toThrow(
    expect.objectContaining({
      code: 'cuda/compiler',
      message: 'nvrtcVersion fails with NVRTC_ERROR_11; please report it.',
    }),
  );
});
