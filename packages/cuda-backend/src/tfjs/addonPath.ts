import type { TfjsMachine } from './tfjsMachine.ts';

/** What package.json of tfjs-node says of its addon. */
export interface AddonBinary {
  readonly module_name: string;
  /** With `{napi_build_version}` in it. */
  readonly module_path: string;
  readonly napi_versions: readonly number[];
}

/** Where tfjs-node looks for its addon: the folder of the highest version of Node-API that it and this Node know. */
export function addonPath(machine: TfjsMachine, folder: string, binary: AddonBinary): string {
  const version = addonNodeApi(machine, binary);
  return machine.join(
    folder,
    binary.module_path.replace('{napi_build_version}', `${version}`),
    `${binary.module_name}.node`,
  );
}

/** Version of Node-API that the addon is compiled for. */
export function addonNodeApi({ nodeApi }: TfjsMachine, { napi_versions }: AddonBinary): number {
  return Math.max(...napi_versions.filter((version) => version <= nodeApi));
}
