import { type LibraryKind, libraryNames, libraryVariables } from './libraryNames.ts';
import type { Machine } from './machine.ts';

/** Who says that a library may be at a place. */
export type PlaceSource = 'option' | 'environment' | 'loader' | 'toolkit' | 'conda' | 'python';

/** A place where a library may be. */
export interface LibraryPlace {
  readonly source: PlaceSource;
  /** A path, or for the loader a bare name. */
  readonly path: string;
  /** The folder in which it lies; none for a bare name. */
  readonly folder?: string;
}

export interface LibraryRequest {
  readonly kind: LibraryKind;
  /** A path that the program gives: nothing else is tried. */
  readonly path?: string;
  /** Highest major version of CUDA that the driver serves; 13 unless given. */
  readonly cudaMajor?: number;
}

/** Every place to look at, in order; the Python interpreter is asked only if no earlier place serves. */
export function* libraryPlaces(
  { kind, path, cudaMajor = 13 }: LibraryRequest,
  machine: Machine,
): Generator<LibraryPlace> {
  if (path !== undefined) {
    yield givenPlace('option', path, machine);
    return;
  }
  const given = machine.environment[libraryVariables[kind]];
  if (given) {
    yield givenPlace('environment', given, machine);
    return;
  }
  const names = libraryNames(kind, machine.platform, cudaMajor);
  for (const name of names) yield { source: 'loader', path: name };
  if (kind === 'driver') {
    // Where Windows lends its driver to the Linux inside it, off the loader's path.
    if (machine.platform === 'linux') yield placeOf('loader', '/usr/lib/wsl/lib/libcuda.so.1', machine);
    return;
  }
  for (const [source, folders] of [
    ['toolkit', () => toolkitFolders(machine)],
    ['conda', () => condaFolders(machine)],
    ['python', () => wheelFolders(kind, machine)],
  ] as const) {
    for (const folder of folders()) {
      for (const name of names) yield placeOf(source, machine.join(folder, name), machine);
    }
  }
}

function placeOf(source: PlaceSource, path: string, machine: Machine): LibraryPlace {
  return { source, path, folder: machine.dirname(path) };
}

function givenPlace(source: PlaceSource, path: string, machine: Machine): LibraryPlace {
  if (/[\\/]/.test(path)) return placeOf(source, path, machine);
  // The loader looks for a name without a folder on its own path alone.
  return machine.exists(path) ? placeOf(source, `./${path}`, machine) : { source, path };
}

function toolkitFolders({ environment, platform, arch, join }: Machine): string[] {
  const { CUDA_HOME, CUDA_PATH } = environment;
  const homes = [CUDA_HOME, CUDA_PATH, platform === 'win32' ? undefined : '/usr/local/cuda'];
  const known = [...new Set(homes.filter((home) => home !== undefined && home !== ''))] as string[];
  const parts =
    platform === 'win32'
      ? [['bin'], ['bin', 'x64']]
      : [['lib64'], ...targetsOf(arch).map((target) => ['targets', target, 'lib']), ['lib']];
  return known.flatMap((home) => parts.map((part) => join(home, ...part)));
}

function condaFolders({ environment, platform, arch, join }: Machine): string[] {
  const prefix = environment.CONDA_PREFIX;
  if (!prefix) return [];
  if (platform === 'win32') return [join(prefix, 'Library', 'bin')];
  return [join(prefix, 'lib'), ...targetsOf(arch).map((target) => join(prefix, 'targets', target, 'lib'))];
}

function targetsOf(arch: string): string[] {
  return arch === 'arm64' ? ['sbsa-linux', 'aarch64-linux'] : ['x86_64-linux'];
}

function wheelFolders(kind: Exclude<LibraryKind, 'driver'>, machine: Machine): string[] {
  const { platform, join } = machine;
  const wheel = { nvrtc: 'cuda_nvrtc', cublasLt: 'cublas' }[kind];
  const inner =
    platform === 'win32'
      ? [
          ['cu13', 'bin', 'x86_64'],
          ['cu13', 'bin'],
          [wheel, 'bin'],
        ]
      : [
          ['cu13', 'lib'],
          [wheel, 'lib'],
        ];
  return machine.pythonFolders().flatMap((folder) => inner.map((part) => join(folder, 'nvidia', ...part)));
}
