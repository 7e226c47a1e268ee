import type { TfjsMachine } from '../tfjsMachine.ts';
import { wantedCuda } from '../wantedCuda.ts';
import { incompleteBuild } from './incompleteBuild.ts';
import type { TensorflowFiles } from './tensorflowFiles.ts';

/** The first CUDA for which TensorFlow's wheels take what they need from wheels of NVIDIA's. */
const leastCuda = '12.5';

/** Libraries of CUDA in wheels beside TensorFlow that it opens. @throws CudaError `cuda/tfjs-build` */
export function cudaLibrariesOf(machine: TfjsMachine, tensorflow: TensorflowFiles, python: string): readonly string[] {
  const { cuda, version, runtimeWheel, libraryFolders } = tensorflow;
  if (!cuda) return [];
  const remedy = `run: ${python} -m pip install --upgrade 'tensorflow[and-cuda]'`;
  const problems: string[] = [];
  if (isOlder(cuda.cuda, leastCuda)) {
    problems.push(
      `TensorFlow ${version} was built with CUDA ${cuda.cuda}, and ${leastCuda} or later is needed; ${remedy}`,
    );
  }
  if (runtimeWheel !== undefined && isOlder(runtimeWheel, cuda.cuda)) {
    problems.push(
      `the wheels of CUDA are ${runtimeWheel}, older than the ${cuda.cuda} of TensorFlow ${version}; ${remedy}`,
    );
  }
  const found: string[] = [];
  const missing: string[] = [];
  for (const name of wantedCuda(version, machine.platform, cuda).libraries) {
    const path = libraryFolders.map((folder) => machine.join(folder, name)).find(machine.exists);
    if (path !== undefined) found.push(path);
    else if (!machine.open(name)) missing.push(name);
  }
  if (missing.length > 0) {
    problems.push(
      `TensorFlow ${version} wants ${missing.join(', ')}, neither in wheels beside it nor on the loader's path; ${remedy}`,
    );
  }
  if (problems.length > 0) throw incompleteBuild(problems);
  return found;
}

function isOlder(version: string, than: string): boolean {
  const [left, right] = [version, than].map((text) => text.split('.').map(Number));
  const at = [0, 1].find((part) => (left?.[part] ?? 0) !== (right?.[part] ?? 0));
  return at !== undefined && (left?.[at] ?? 0) < (right?.[at] ?? 0);
}
