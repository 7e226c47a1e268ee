import type { DriverFacts } from './cudaFacts.ts';
import type { TfjsGpu } from './describeTfjsGpu.ts';
import type { InstalledPackage, TfjsPackage } from './installedPackage.ts';
import { installTensorflow } from './installTensorflow.ts';
import type { TfjsMachine } from './tfjsMachine.ts';

/** Why TensorFlow cannot compute on a GPU here. */
export interface Diagnosis {
  /** Code of the error that says it. */
  readonly code: 'cuda/tfjs-package' | 'cuda/tfjs-addon' | 'cuda/tfjs-cpu';
  readonly problem: string;
  /** What mends it: a command wherever one can. */
  readonly remedy: string;
}

/** Why no TensorFlow can be loaded: no package of these names, or one without its addon. */
export function diagnosePackage(
  machine: TfjsMachine,
  { installed, names }: { readonly installed: InstalledPackage | undefined; readonly names: readonly TfjsPackage[] },
): Diagnosis {
  const build = installTensorflow(machine);
  if (installed) {
    const { name, version, addon } = installed;
    return {
      code: 'cuda/tfjs-addon',
      problem: `${name} ${version} has no addon at ${addon}: its install script did not run, or failed`,
      remedy: `run: ${build}`,
    };
  }
  return {
    code: 'cuda/tfjs-package',
    problem: names.length > 1 ? `neither ${names.join(' nor ')} is installed` : `${names[0]} is not installed`,
    remedy: `run: npm install --ignore-scripts ${names[0]} && ${build}`,
  };
}

/** Why no TensorFlow could use a GPU of this machine: it has no driver, or is of a kind for which there is none. */
export function diagnoseDriver({ platform, arch }: TfjsMachine, driver: DriverFacts): Diagnosis | undefined {
  if (platform === 'darwin' || (platform === 'win32' && arch !== 'x64')) {
    return because(
      `no TensorFlow for ${platform} ${arch} uses an NVIDIA GPU`,
      'use a machine with Linux and an NVIDIA GPU',
    );
  }
  if (driver.cuda !== undefined) return undefined;
  const library = platform === 'win32' ? 'nvcuda.dll' : 'libcuda.so.1';
  return because(
    driver.version === undefined
      ? `there is no NVIDIA driver: the loader does not find ${library}`
      : `the NVIDIA driver ${driver.version} is there, but the loader does not find its library ${library}`,
    'install the driver of your GPU until nvidia-smi lists it; in a container, start it with: docker run --gpus all',
  );
}

/** Why a TensorFlow that loaded uses no GPU: the first reason behind which no other could hide. */
export function diagnoseCpu(
  machine: TfjsMachine,
  { tensorflow, wanted, found }: Pick<TfjsGpu, 'tensorflow' | 'wanted' | 'found'>,
): Diagnosis {
  const { driver, missing } = found;
  const ofDriver = diagnoseDriver(machine, driver);
  if (ofDriver) return ofDriver;
  const rebuild = `run: ${installTensorflow(machine)}`;
  if (!wanted) return because(`TensorFlow ${tensorflow} was built without CUDA`, rebuild);
  if (Number.parseInt(`${driver.cuda}`, 10) < Number.parseInt(wanted.cuda, 10)) {
    return because(
      `the NVIDIA driver runs CUDA up to ${driver.cuda}, and TensorFlow ${tensorflow} wants ${wanted.cuda}`,
      'install a newer driver',
    );
  }
  const { CUDA_VISIBLE_DEVICES: visible } = machine.environment;
  if (visible !== undefined && /^\s*(-1.*)?$/.test(visible)) {
    return because(
      `CUDA_VISIBLE_DEVICES is ${JSON.stringify(visible)}, which hides every GPU`,
      'run: unset CUDA_VISIBLE_DEVICES',
    );
  }
  if (missing.length > 0) {
    return because(
      `TensorFlow ${tensorflow} wants CUDA ${wanted.cuda} and cuDNN ${wanted.cudnn}, and the loader does not find ${missing.join(', ')}`,
      machine.platform === 'win32' ? 'install them, or use Linux (WSL 2), where current versions exist' : rebuild,
    );
  }
  return because(
    `TensorFlow ${tensorflow} finds the driver (CUDA ${driver.cuda}) and all its libraries, and uses no GPU`,
    Number.parseInt(wanted.cuda, 10) >= 12
      ? 'run: npx peft-cuda doctor, which prints what TensorFlow says'
      : `it may be too old for this GPU; ${rebuild}`,
  );
}

function because(problem: string, remedy: string): Diagnosis {
  return { code: 'cuda/tfjs-cpu', problem, remedy };
}
