import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { CudaError } from '../../cudaError.ts';
import { type BuiltAddon, builtAddonPath } from '../builtAddon.ts';
import { installedPackage } from '../installedPackage.ts';
import { probeAddon } from '../probeAddon.ts';
import type { TfjsMachine } from '../tfjsMachine.ts';
import { compileAddon } from './compileAddon.ts';
import { cudaLibrariesOf } from './cudaLibrariesOf.ts';
import { findTensorflow } from './findTensorflow.ts';
import { incompleteBuild } from './incompleteBuild.ts';
import { missingTools } from './missingTools.ts';
import { nodeHeaders } from './nodeHeaders.ts';

export interface BuildTfjsOptions {
  /** Wheels of TensorFlow and, for a GPU, of CUDA: files, or folders into which they were unpacked. */
  readonly wheels?: readonly string[];
  /** A Python that imports TensorFlow; read where no wheel is given, python3 unless given. */
  readonly python?: string;
  /** A folder for the addon; into the package unless given. */
  readonly out?: string;
  readonly onProgress?: (line: string) => void;
}

export interface BuiltTfjs {
  /** Path of the addon. */
  readonly addon: string;
  readonly tensorflow: string;
  readonly usesGpu: boolean;
  /** What TensorFlow's log told of libraries and devices while the addon was tried. */
  readonly said: readonly string[];
}

/**
 * Builds the addon of the installed tfjs-node against a TensorFlow made for Python, and tries it in a fresh process.
 *
 * @throws CudaError `cuda/tfjs-build` with all that is missing, what the compiler says, or why the addon does not work
 */
export async function buildTfjs(machine: TfjsMachine, options: BuildTfjsOptions = {}): Promise<BuiltTfjs> {
  const { out, python = 'python3', onProgress = () => {} } = options;
  const installed = installedPackage(machine);
  const compiler = machine.environment.CXX || 'g++';
  const headers = nodeHeaders(machine);
  const missing = await missingTools(machine, { installed, compiler, headers });
  if (missing.length > 0 || !installed || !headers) throw incompleteBuild(missing);

  const addon = out === undefined ? installed.addon : join(resolve(out), 'tfjs_binding.node');
  const unpacked = join(out === undefined ? join(installed.folder, 'deps') : resolve(out), 'tensorflow');
  const tensorflow = await findTensorflow(machine, { ...options, python, unpacked, onProgress });
  const libraries = cudaLibrariesOf(machine, tensorflow, python);
  const { cuda, version, folder } = tensorflow;
  const kind = cuda ? `CUDA ${cuda.cuda} and cuDNN ${cuda.cudnn}` : 'CPU only';
  onProgress(`found TensorFlow ${version} (${kind}) in ${folder}`);

  onProgress(`compiling the addon of ${installed.name} ${installed.version} with ${compiler}, some 10 s`);
  await mkdir(dirname(addon), { recursive: true });
  const output = addon.replace(/node$/, `${process.pid}.node`);
  const folders = [...new Set(libraries.map((library) => dirname(library)))];
  try {
    await compileAddon(machine, {
      ...{ compiler, headers, tensorflow, libraries, output, package: installed.folder, nodeApi: installed.nodeApi },
      searchPath: [tensorflow.folder, ...folders].map((folder) =>
        folder.startsWith(unpacked) ? `$ORIGIN/${relative(dirname(addon), folder)}` : folder,
      ),
    });
    onProgress('trying it in a fresh process');
    const probe = await probeAddon(machine, output);
    if ('failure' in probe) {
      throw new CudaError('cuda/tfjs-build', `build-tfjs: the addon is built and does not work: ${probe.failure}.`);
    }
    const built: BuiltAddon = { tensorflow: probe.tensorflow, cuda: tensorflow.cuda, folders };
    await writeFile(builtAddonPath(addon), `${JSON.stringify(built, undefined, 2)}\n`);
    await rename(output, addon);
    return { addon, ...probe };
  } finally {
    await rm(output, { force: true });
  }
}
