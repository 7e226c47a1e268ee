import { PeftError } from '@peft/core';
import { type FolderSource, openFolder, requireJsonFile } from '../openFolder.ts';
import { openSafetensors, type SafetensorsFile } from '../safetensors/openSafetensors.ts';

export type AdapterFolder = {
  /** What messages call it. */
  readonly name: string;
  /** adapter_config.json as it stands, in Python's names. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly file: SafetensorsFile;
};

/**
 * The configuration and the opened weights of an adapter folder; `adapter` names one in a folder of several.
 * Throws `checkpoint/missing-file`, also for a pickle, and the codes of `openSafetensors`.
 */
export async function readAdapterFolder(source: FolderSource, adapter?: string): Promise<AdapterFolder> {
  const folder = openFolder(source);
  const within = (file: string) => (adapter === undefined ? file : `${adapter}/${file}`);
  const config = await requireJsonFile(
    folder,
    within('adapter_config.json'),
    'pass the folder that save_pretrained wrote; an adapter with a name lies in a folder of that name, which the option "adapter" opens',
  );
  const weights = await folder.open(within('adapter_model.safetensors'));
  if (weights !== undefined) return { name: folder.name, config, file: await openSafetensors(weights) };
  const pickle = await folder.open(within('adapter_model.bin'));
  throw new PeftError(
    'checkpoint/missing-file',
    pickle === undefined
      ? `${folder.name}: there is no ${within('adapter_model.safetensors')}; fetch the weights too.`
      : `${folder.name}: the weights are in ${within('adapter_model.bin')}, a pickle file, which can run code when it is read and is refused; load the adapter in Python and save it with save_pretrained(folder, safe_serialization=True).`,
  );
}
