import { type AddonBinary, addonNodeApi, addonPath } from './addonPath.ts';
import { type BuiltAddon, readBuiltAddon } from './builtAddon.ts';
import type { TfjsMachine } from './tfjsMachine.ts';

export const tfjsPackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;
export type TfjsPackage = (typeof tfjsPackages)[number];

/** A tfjs-node package that is installed, whether or not it can be loaded. */
export interface InstalledPackage {
  readonly name: TfjsPackage;
  readonly version: string;
  readonly folder: string;
  /** Where it looks for its addon. */
  readonly addon: string;
  readonly isBuilt: boolean;
  /** Version of Node-API that the addon is compiled for. */
  readonly nodeApi: number;
  /** What `peft-cuda build-tfjs` wrote of the addon; undefined for the one that the package downloads. */
  readonly built: BuiltAddon | undefined;
}

/** The first of the packages that has its addon, or else the first that is installed. */
export function installedPackage(
  machine: TfjsMachine,
  { names = tfjsPackages, addon }: { readonly names?: readonly TfjsPackage[]; readonly addon?: string } = {},
): InstalledPackage | undefined {
  const installed = names.map((name) => readPackage(machine, name, addon)).filter((each) => each !== undefined);
  return installed.find(({ isBuilt }) => isBuilt) ?? installed[0];
}

function readPackage(machine: TfjsMachine, name: TfjsPackage, addon?: string): InstalledPackage | undefined {
  const manifestPath = machine.resolve(`${name}/package.json`);
  const manifest = manifestPath && machine.read(manifestPath);
  if (!manifest) return undefined;
  const { version, binary } = JSON.parse(manifest) as { readonly version: string; readonly binary: AddonBinary };
  const folder = machine.dirname(manifestPath);
  const path = addon ?? addonPath(machine, folder, binary);
  return {
    name,
    version,
    folder,
    addon: path,
    isBuilt: machine.exists(path),
    nodeApi: addonNodeApi(machine, binary),
    built: readBuiltAddon(machine, path),
  };
}
