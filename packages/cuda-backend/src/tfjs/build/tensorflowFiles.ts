import type { TfjsMachine } from '../tfjsMachine.ts';

/** A TensorFlow as pip lays it out, to build against. */
export interface TensorflowFiles {
  /** Its folder `tensorflow`, with headers and libraries. */
  readonly folder: string;
  readonly version: string;
  /** Versions of CUDA and cuDNN that it was built with; undefined for one built without. */
  readonly cuda: { readonly cuda: string; readonly cudnn: string } | undefined;
  /** Version of the wheel of CUDA's runtime beside it. */
  readonly runtimeWheel: string | undefined;
  /** Folders of libraries in the wheels of CUDA beside it. */
  readonly libraryFolders: readonly string[];
}

export const tensorflowLibraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'] as const;

const needed = [...tensorflowLibraries, 'include/tensorflow/c/c_api.h', 'include/tensorflow/c/eager/c_api.h'];

/**
 * Reads what is in folders from which Python imports.
 *
 * @returns the first TensorFlow there, or what is missing
 */
export function tensorflowFiles(machine: TfjsMachine, sites: readonly string[]): TensorflowFiles | string {
  const { join, exists, list, read } = machine;
  const site = sites.find((each) => exists(join(each, 'tensorflow')));
  if (site === undefined) return `there is no TensorFlow in ${sites.join(', ')}`;
  const folder = join(site, 'tensorflow');
  const missing = needed.filter((file) => !exists(join(folder, file)));
  if (missing.length > 0) return `the TensorFlow in ${site} has no ${missing.join(', ')}`;
  const info = read(join(folder, 'python/platform/build_info.py')) ?? '';
  const build = (name: string) => info.match(new RegExp(`'${name}', '?([\\w.]+)`))?.[1];
  const [cuda, cudnn] = [build('cuda_version'), build('cudnn_version')];
  const wheels = sites.flatMap((each) => join(each, 'nvidia')).filter(exists);
  return {
    folder,
    version: wheelVersion(machine, [site], /^(tensorflow|tf_nightly)(_cpu|_gpu|_cpu_aws)?$/) ?? 'of unknown version',
    cuda: build('is_cuda_build') === 'True' && cuda && cudnn ? { cuda: minorVersion(cuda), cudnn } : undefined,
    runtimeWheel: wheelVersion(machine, sites, /^nvidia_cuda_runtime(_cu\d+)?$/),
    libraryFolders: wheels.flatMap((wheel) =>
      list(wheel)
        .map((part) => join(wheel, part, 'lib'))
        .filter(exists),
    ),
  };
}

function wheelVersion({ list }: TfjsMachine, sites: readonly string[], name: RegExp): string | undefined {
  for (const entry of sites.flatMap((site) => list(site))) {
    const [, wheel, version] = entry.match(/^(\w+)-([^-]+)\.dist-info$/) ?? [];
    if (wheel && name.test(wheel)) return version;
  }
  return undefined;
}

function minorVersion(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
