import { createRequire } from 'node:module';
import { CudaError } from '../cudaError.ts';
import { diagnosePackage } from './diagnose.ts';
import { type InstalledPackage, installedPackage, type TfjsPackage, tfjsPackages } from './installedPackage.ts';
import { installTensorflow } from './installTensorflow.ts';
import { withLoadHooks } from './loadHooks.ts';
import type { TfjsGpuOptions } from './tfjsGpu.ts';
import type { TfjsMachine } from './tfjsMachine.ts';
import { asTfjsModule, backendName, type TensorflowBackend, type TfjsModule } from './tfjsModule.ts';

/** A tfjs-node that is loaded. */
export interface LoadedTfjs {
  readonly name: TfjsPackage;
  /** Where it is installed; undefined where the program loaded one that is not found by its name. */
  readonly installed: InstalledPackage | undefined;
  readonly module: TfjsModule;
  readonly backend: TensorflowBackend;
}

const require = createRequire(import.meta.url);

/** Loads tfjs-node, or takes the one that is given. @throws CudaError `cuda/tfjs-package`, `cuda/tfjs-addon` */
export async function loadTfjsNode(
  machine: TfjsMachine,
  { tensorflow, addon }: Pick<TfjsGpuOptions, 'tensorflow' | 'addon'>,
): Promise<LoadedTfjs> {
  if (typeof tensorflow === 'function') {
    return takeGiven(machine, await withLoadHooks(tensorflow as () => unknown, addon), addon);
  }
  if (typeof tensorflow === 'object') return takeGiven(machine, tensorflow, addon);
  const names = tensorflow === undefined ? tfjsPackages : [tensorflow];
  const installed = installedPackage(machine, { names, addon });
  if (!installed?.isBuilt) {
    const { code, problem, remedy } = diagnosePackage(machine, { installed, names });
    throw new CudaError(code, `tfjsGpu: ${problem}; ${remedy}.`);
  }
  const module = await withLoadHooks(() => loadInstalled(machine, installed), addon);
  return { name: installed.name, installed, ...requireBackend(module) };
}

function loadInstalled(machine: TfjsMachine, { folder, addon }: InstalledPackage): TfjsModule {
  try {
    return require(folder) as TfjsModule;
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n');
    throw new CudaError(
      'cuda/tfjs-addon',
      `tfjsGpu: the addon at ${addon} does not load: ${reason}; run: ${installTensorflow(machine)}.`,
      { cause },
    );
  }
}

function takeGiven(machine: TfjsMachine, given: unknown, addon: string | undefined): LoadedTfjs {
  const { module, backend } = requireBackend(asTfjsModule(given));
  const name: TfjsPackage = backend.isGPUPackage ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
  return { name, installed: installedPackage(machine, { names: [name], addon }), module, backend };
}

function requireBackend(module: TfjsModule | undefined): Pick<LoadedTfjs, 'module' | 'backend'> {
  const backend = module?.findBackend(backendName) as Partial<TensorflowBackend> | null | undefined;
  if (module && typeof backend?.isUsingGpuDevice === 'boolean' && backend.binding) {
    return { module, backend: backend as TensorflowBackend };
  }
  throw new CudaError(
    'cuda/tfjs-package',
    "tfjsGpu: what is given as tensorflow is no tfjs-node: it has no backend named tensorflow; give what require('@tensorflow/tfjs-node-gpu') gives, or leave the option out.",
  );
}
