import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { TfjsMachine } from '../tfjsMachine.ts';
import type { BuildTfjsOptions } from './buildTfjs.ts';
import { incompleteBuild } from './incompleteBuild.ts';
import { pythonSites } from './pythonSites.ts';
import { type TensorflowFiles, tensorflowFiles } from './tensorflowFiles.ts';
import { unpackWheel } from './unpackWheel.ts';

/** The TensorFlow of wheels, which are unpacked, or of a Python. @throws CudaError `cuda/tfjs-build` */
export async function findTensorflow(
  machine: TfjsMachine,
  {
    wheels = [],
    python,
    unpacked,
    onProgress,
  }: BuildTfjsOptions & {
    readonly python: string;
    readonly unpacked: string;
    readonly onProgress: (line: string) => void;
  },
): Promise<TensorflowFiles> {
  if (wheels.length === 0) {
    const sites = await pythonSites(machine, python);
    const files = typeof sites === 'string' ? sites : tensorflowFiles(machine, sites);
    if (typeof files === 'string') {
      throw incompleteBuild([`${files}; run: ${python} -m pip install 'tensorflow[and-cuda]', or name a --wheel`]);
    }
    return files;
  }
  const gone = wheels.filter((wheel) => !machine.exists(wheel));
  if (gone.length > 0) throw incompleteBuild(gone.map((wheel) => `there is no wheel ${wheel}`));
  const archives = wheels.filter((wheel) => wheel.endsWith('.whl'));
  if (archives.length > 0) await rm(unpacked, { recursive: true, force: true });
  for (const wheel of archives) {
    onProgress(`unpacking ${wheel} into ${unpacked}`);
    await unpackWheel(wheel, unpacked);
  }
  const folders = wheels.filter((wheel) => !archives.includes(wheel)).map((wheel) => resolve(wheel));
  const files = tensorflowFiles(machine, [...(archives.length > 0 ? [unpacked] : []), ...folders]);
  if (typeof files === 'string') throw incompleteBuild([`${files}; give a wheel of TensorFlow for Linux`]);
  return files;
}
