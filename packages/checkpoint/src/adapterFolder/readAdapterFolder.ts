import { PeftError } from '@peft/core';
import { type Folder, type FolderSource, openFolder, readJsonFile } from '../openFolder.ts';
import { problemList, quoted } from '../problemList.ts';
import { openSafetensors, type SafetensorsFile } from '../safetensors/openSafetensors.ts';
import { subFolderOf } from './adapterName.ts';
import { listAdapters } from './listAdapters.ts';
import { plainConfig, plainNames } from './plainNames.ts';

export type AdapterFolder = {
  /** What messages call it. */
  readonly name: string;
  /** adapter_config.json as it stands, in Python's names, without torch's wrappers in the names of modules. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly file: SafetensorsFile;
};

/**
 * The configuration and the opened weights of an adapter folder; `adapter` names one in a folder of several.
 * Throws `checkpoint/missing-file`, also for a pickle and for parts, and the codes of `openSafetensors`.
 */
export async function readAdapterFolder(source: FolderSource, adapter?: string): Promise<AdapterFolder> {
  const folder = openFolder(source);
  const inside = subFolderOf(adapter);
  const within = (file: string) => (inside === undefined ? file : `${inside}/${file}`);
  const config = await readJsonFile(folder, within('adapter_config.json'));
  if (config === undefined) throw await noConfig(source, folder, within('adapter_config.json'));
  const weights = await folder.open(within('adapter_model.safetensors'));
  if (weights === undefined) throw await noWeights(folder, within);
  return { name: folder.name, config: plainConfig(config), file: plainNames(await openSafetensors(weights)) };
}

async function noConfig(source: FolderSource, { name }: Folder, file: string): Promise<PeftError> {
  const adapters = await listAdapters(source);
  return new PeftError(
    'checkpoint/missing-file',
    adapters.length === 0
      ? `${name}: there is no ${file}; pass the folder that save_pretrained wrote.`
      : `${name}: there is no ${file}; pass one of the folder's adapters in the option "adapter":${problemList(adapters.map(quoted))}`,
  );
}

async function noWeights(folder: Folder, within: (file: string) => string): Promise<PeftError> {
  const wrong = (problem: string) => new PeftError('checkpoint/missing-file', `${folder.name}: ${problem}`);
  const has = async (file: string) => (await folder.open(within(file))) !== undefined;
  if (await has('adapter_model.bin')) {
    return wrong(
      `the weights are in ${within('adapter_model.bin')}, a pickle file, which can run code when it is read and is refused; load the adapter in Python and save it with save_pretrained(folder, safe_serialization=True).`,
    );
  }
  for (const parts of ['adapter_model.safetensors.index.json', 'model.safetensors.index.json']) {
    if (await has(parts)) {
      return wrong(
        `the weights are in several files (${within(parts)} lists them), and Python PEFT reads only ${within('adapter_model.safetensors')}; join them into this one.`,
      );
    }
  }
  return wrong(`there is no ${within('adapter_model.safetensors')}; fetch the weights too.`);
}
