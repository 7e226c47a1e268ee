import { posix } from 'node:path';
import type { Outcome, RunProgram } from '../../src/tfjs/runProgram.ts';
import type { TfjsMachine } from '../../src/tfjs/tfjsMachine.ts';

export interface FakeMachine extends Partial<Omit<TfjsMachine, 'run' | 'open'>> {
  /** Files by path; a folder is there where a file in it is. */
  readonly files?: Readonly<Record<string, string>>;
  /** Libraries that the loader finds by name or path, with the versions that their functions give. */
  readonly libraries?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly run?: (program: string, args: readonly string[]) => Partial<Outcome> | undefined;
}

/** A machine with Linux on which there is only what is given. */
export function fakeMachine({ files = {}, libraries = {}, run, ...others }: FakeMachine = {}): TfjsMachine {
  const runProgram: RunProgram = async (program, { args }) => {
    const outcome = run?.(program, args);
    return outcome
      ? { status: 0, output: '', errors: '', ...outcome }
      : { status: 127, output: '', errors: `spawn ${program} ENOENT` };
  };
  return {
    platform: 'linux',
    arch: 'x64',
    environment: {},
    nodeVersion: 'v22.1.0',
    nodeApi: 9,
    nodePath: '/node/bin/node',
    join: posix.join,
    dirname: posix.dirname,
    pythonFolders: () => [],
    exists: (path) => Object.keys(files).some((file) => file === path || file.startsWith(`${path}/`)),
    read: (path) => files[path],
    list: (folder) => {
      const inside = Object.keys(files).filter((file) => file.startsWith(`${folder}/`));
      return [...new Set(inside.map((file) => file.slice(folder.length + 1).split('/')[0] as string))];
    },
    open: (library) => {
      const versions = libraries[library];
      return versions && { version: (name) => versions[name] };
    },
    resolve: (file) => (files[`/app/node_modules/${file}`] === undefined ? undefined : `/app/node_modules/${file}`),
    run: runProgram,
    ...others,
  };
}

/** Files of an installed tfjs-node package, without its addon. */
export function packageFiles(name = '@tensorflow/tfjs-node-gpu'): Readonly<Record<string, string>> {
  const binary = {
    module_name: 'tfjs_binding',
    module_path: './lib/napi-v{napi_build_version}',
    napi_versions: [3, 4, 5, 6, 7, 8],
  };
  return { [`/app/node_modules/${name}/package.json`]: JSON.stringify({ version: '4.22.0', binary }) };
}

/** Libraries of CUDA 12 on the loader's path, with their versions, and a driver for CUDA 13. */
export const cuda12Libraries: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'libcuda.so.1': { cuDriverGetVersion: 13_000 },
  'libcudart.so.12': { cudaRuntimeGetVersion: 12_050 },
  'libcublas.so.12': {},
  'libcublasLt.so.12': {},
  'libcufft.so.11': {},
  'libcusolver.so.11': {},
  'libcusparse.so.12': {},
  'libcudnn.so.9': { cudnnGetVersion: 90_300 },
};
