import { posix, win32 } from 'node:path';
import { expect, it } from 'vitest';
import { findLibrary, type LibraryReport, requireFound, requireGiven } from './findLibrary.ts';
import type { LibraryRequest } from './libraryPlaces.ts';
import type { Machine } from './machine.ts';

interface MadeUp {
  readonly platform?: NodeJS.Platform;
  readonly arch?: string;
  readonly environment?: Record<string, string>;
  readonly files?: readonly string[];
  readonly python?: readonly string[];
}

function machineOf({ platform = 'linux', arch = 'x64', environment = {}, files = [], python = [] }: MadeUp): Machine {
  const { join, dirname } = platform === 'win32' ? win32 : posix;
  return {
    platform,
    arch,
    environment,
    exists: (path) => files.includes(path),
    list: (folder) => files.filter((file) => dirname(file) === folder).map((file) => file.slice(folder.length + 1)),
    join,
    dirname,
    pythonFolders: () => python,
  };
}

/** Searches where nothing but `loadable` loads; tells what was loaded, in order. */
function search(request: LibraryRequest, made: MadeUp, loadable: readonly string[] = made.files ?? []) {
  const loads: string[] = [];
  const load = (path: string, options?: { readonly global?: boolean }) => {
    if (!loadable.includes(path)) throw new Error('cannot open shared object file');
    loads.push(options?.global ? `${path} for all` : path);
    return {} as never;
  };
  return { report: findLibrary(request, load, machineOf(made)), loads };
}

const placesOf = ({ lookedAt }: LibraryReport) => lookedAt.map(({ source, path }) => `${source} ${path}`);

it('looks where the loader, a toolkit, conda and wheels of Python keep NVRTC', () => {
  const { report } = search(
    { kind: 'nvrtc' },
    {
      environment: { CUDA_HOME: '/cuda', CUDA_PATH: '/cuda', CONDA_PREFIX: '/conda' },
      python: ['/py/site-packages'],
    },
  );
  const both = (source: string, folder: string) => [13, 12].map((major) => `${source} ${folder}/libnvrtc.so.${major}`);
  expect(placesOf(report)).toEqual([
    'loader libnvrtc.so.13',
    'loader libnvrtc.so.12',
    ...both('toolkit', '/cuda/lib64'),
    ...both('toolkit', '/cuda/targets/x86_64-linux/lib'),
    ...both('toolkit', '/cuda/lib'),
    ...both('toolkit', '/usr/local/cuda/lib64'),
    ...both('toolkit', '/usr/local/cuda/targets/x86_64-linux/lib'),
    ...both('toolkit', '/usr/local/cuda/lib'),
    ...both('conda', '/conda/lib'),
    ...both('conda', '/conda/targets/x86_64-linux/lib'),
    ...both('python', '/py/site-packages/nvidia/cu13/lib'),
    ...both('python', '/py/site-packages/nvidia/cuda_nvrtc/lib'),
  ]);
});

it('knows the folders of ARM and the names of Windows', () => {
  const arm = search({ kind: 'cublasLt', cudaMajor: 12 }, { arch: 'arm64', environment: { CUDA_HOME: '/cuda' } });
  expect(placesOf(arm.report).slice(0, 4)).toEqual([
    'loader libcublasLt.so.12',
    'toolkit /cuda/lib64/libcublasLt.so.12',
    'toolkit /cuda/targets/sbsa-linux/lib/libcublasLt.so.12',
    'toolkit /cuda/targets/aarch64-linux/lib/libcublasLt.so.12',
  ]);
  const made: MadeUp = {
    platform: 'win32',
    environment: { CUDA_PATH: 'C:\\cuda', CONDA_PREFIX: 'C:\\conda' },
    python: ['C:\\py\\site-packages'],
  };
  expect(placesOf(search({ kind: 'driver' }, made).report)).toEqual(['loader nvcuda.dll']);
  expect(placesOf(search({ kind: 'cublasLt', cudaMajor: 12 }, made).report)).toEqual([
    'loader cublasLt64_12.dll',
    'toolkit C:\\cuda\\bin\\cublasLt64_12.dll',
    'toolkit C:\\cuda\\bin\\x64\\cublasLt64_12.dll',
    'conda C:\\conda\\Library\\bin\\cublasLt64_12.dll',
    'python C:\\py\\site-packages\\nvidia\\cu13\\bin\\x86_64\\cublasLt64_12.dll',
    'python C:\\py\\site-packages\\nvidia\\cu13\\bin\\cublasLt64_12.dll',
    'python C:\\py\\site-packages\\nvidia\\cublas\\bin\\cublasLt64_12.dll',
  ]);
  expect(placesOf(search({ kind: 'nvrtc' }, made).report).slice(0, 2)).toEqual([
    'loader nvrtc64_130_0.dll',
    'loader nvrtc64_120_0.dll',
  ]);
});

it('takes the first that loads, and says what the others lacked', () => {
  const toolkit = '/usr/local/cuda/lib64/libcublasLt.so.12';
  const wheel = '/py/nvidia/cublas/lib/libcublasLt.so.12';
  const files = [toolkit, wheel];
  const { report, loads } = search({ kind: 'cublasLt', cudaMajor: 12 }, { files, python: ['/py'] }, [wheel]);
  expect(report).toMatchObject({ kind: 'cublasLt', path: wheel });
  expect(loads).toEqual([wheel]);
  expect(report.lookedAt.filter(({ outcome }) => outcome !== 'not there')).toEqual([
    { source: 'loader', path: 'libcublasLt.so.12', outcome: 'cannot open shared object file' },
    { source: 'toolkit', path: toolkit, outcome: 'cannot open shared object file' },
    { source: 'python', path: wheel, outcome: 'loaded' },
  ]);
});

it("loads NVRTC's builtins for all before it, where it does not lie on the loader's path", () => {
  const folder = '/py/nvidia/cuda_nvrtc/lib';
  const files = ['libnvrtc.so.12', 'libnvrtc-builtins.so.12.9', 'libnvrtc-builtins.alt.so.12.9', 'README'].map(
    (name) => `${folder}/${name}`,
  );
  expect(search({ kind: 'nvrtc' }, { files, python: ['/py'] }).loads).toEqual([
    `${folder}/libnvrtc-builtins.so.12.9 for all`,
    `${folder}/libnvrtc.so.12`,
  ]);
  expect(search({ kind: 'nvrtc' }, {}, ['libnvrtc.so.13']).loads).toEqual(['libnvrtc.so.13']);
});

it('tries nothing but the file that the program or the environment names', () => {
  const given = search(
    { kind: 'nvrtc', path: '/mine/nvrtc.so' },
    { environment: { PEFT_NVRTC_LIBRARY: '/theirs.so' } },
  );
  expect(placesOf(given.report)).toEqual(['option /mine/nvrtc.so']);
  const variables = { PEFT_CUDA_LIBRARY: '/a', PEFT_NVRTC_LIBRARY: '/b', PEFT_CUBLASLT_LIBRARY: '/c' };
  const named = (['driver', 'nvrtc', 'cublasLt'] as const).map((kind) =>
    placesOf(search({ kind }, { environment: variables }).report),
  );
  expect(named).toEqual([['environment /a'], ['environment /b'], ['environment /c']]);
});

it('takes a name without a folder for a file that is there, and else as the loader does', () => {
  const given = (files: readonly string[], loadable: string) =>
    search({ kind: 'nvrtc', path: 'mine.so' }, { files }, [loadable]);
  expect(given(['mine.so', './mine.so'], './mine.so').loads).toEqual(['./mine.so']);
  expect(given([], 'mine.so').loads).toEqual(['mine.so']);
});

it('refuses a file that is named and does not load, and nothing that was only searched for', () => {
  const named = search(
    { kind: 'cublasLt' },
    { environment: { PEFT_CUBLASLT_LIBRARY: '/b' }, files: ['/b'] },
    [],
  ).report;
  expect(() => requireGiven(named)).toThrow(
    expect.objectContaining({
      code: 'cuda/library',
      message:
        'the product library cuBLASLt was not found; run: python3 -m pip install nvidia-cuda-nvrtc-cu12 nvidia-cublas-cu12, or name its file in PEFT_CUBLASLT_LIBRARY. Looked at:\n  /b (given by the environment): cannot open shared object file',
    }),
  );
  expect(() => requireGiven(search({ kind: 'nvrtc', path: '/x' }, {}).report)).toThrow(
    '/x (given as an option): not there',
  );
  for (const kind of ['nvrtc', 'cublasLt'] as const)
    expect(() => requireGiven(search({ kind }, {}).report)).not.toThrow();
  requireGiven(search({ kind: 'nvrtc', path: '/x' }, { files: ['/x'] }).report);
});

it('says in one error where it looked and what to do', () => {
  const { report } = search({ kind: 'driver' }, {});
  expect(() => requireFound(report)).toThrow(
    expect.objectContaining({
      code: 'cuda/library',
      message: [
        "the library of the CUDA driver was not found; install NVIDIA's driver for the GPU of this machine, until nvidia-smi lists it, or name its file in PEFT_CUDA_LIBRARY. Looked at:",
        '  libcuda.so.1 (the loader of this system): cannot open shared object file',
        '  /usr/lib/wsl/lib/libcuda.so.1 (the loader of this system): not there',
      ].join('\n'),
    }),
  );
  const message = (kind: 'nvrtc' | 'cublasLt') => {
    const nothing = search({ kind, path: '/x' }, {}).report;
    try {
      return requireFound(nothing).path;
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(message('nvrtc')).toBe(
    'the run-time compiler NVRTC was not found; run: python3 -m pip install nvidia-cuda-nvrtc-cu12 nvidia-cublas-cu12, or name its file in PEFT_NVRTC_LIBRARY. Looked at:\n  /x (given as an option): not there',
  );
  expect(message('cublasLt')).toBe(
    'the product library cuBLASLt was not found; run: python3 -m pip install nvidia-cuda-nvrtc-cu12 nvidia-cublas-cu12, or name its file in PEFT_CUBLASLT_LIBRARY. Looked at:\n  /x (given as an option): not there',
  );
});
