import type { TfjsMachine } from './tfjsMachine.ts';

/** What `peft-cuda build-tfjs` writes beside an addon: what it was built against. */
export interface BuiltAddon {
  readonly tensorflow: string;
  /** CUDA and cuDNN that TensorFlow was built with; undefined for a TensorFlow without CUDA. */
  readonly cuda: { readonly cuda: string; readonly cudnn: string } | undefined;
  /** Folders in which the addon finds libraries of CUDA. */
  readonly folders: readonly string[];
}

export function builtAddonPath(addon: string): string {
  return addon.replace(/\.node$/, '.build.json');
}

export function readBuiltAddon(machine: TfjsMachine, addon: string): BuiltAddon | undefined {
  const text = machine.read(builtAddonPath(addon));
  return text === undefined ? undefined : (JSON.parse(text) as BuiltAddon);
}
