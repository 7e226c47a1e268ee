import { PeftError } from '@peft/core';
import type { StoredTensor } from '../lazyTensor.ts';
import { type Folder, type FolderSource, openFolder, readJsonFile, requireJsonFile } from '../openFolder.ts';
import { openSafetensors } from '../safetensors/openSafetensors.ts';
import { readShards } from './readShards.ts';

export interface ModelFolder {
  /** What messages call it: the path, or `the given files`. */
  readonly name: string;
  /** config.json as it stands, in Python's names. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Every tensor of the model by its name; values are read on demand, in torch's layout. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/**
 * Reads a Hugging Face model folder, whose weights are one model.safetensors or shards with an index: headers now,
 * values on demand. Throws a PeftError with a `checkpoint/...` code that lists everything missing or wrong.
 */
export async function readModelFolder(source: FolderSource): Promise<ModelFolder> {
  const folder = openFolder(source);
  const config = await requireJsonFile(
    folder,
    'config.json',
    'pass the folder that save_pretrained wrote, the one with config.json in it',
  );
  return { name: folder.name, config, tensors: await readTensors(folder) };
}

async function readTensors(folder: Folder): Promise<ReadonlyMap<string, StoredTensor>> {
  const single = await folder.open('model.safetensors');
  if (single !== undefined) return (await openSafetensors(single)).tensors;
  const index = await readJsonFile(folder, 'model.safetensors.index.json');
  if (index !== undefined) return readShards(folder, index);
  throw new PeftError('checkpoint/missing-file', `${folder.name}: ${await whatIsMissing(folder)}.`);
}

async function whatIsMissing(folder: Folder): Promise<string> {
  for (const pickle of ['pytorch_model.bin', 'pytorch_model.bin.index.json']) {
    if ((await folder.open(pickle)) !== undefined) {
      return `the weights are in ${pickle}, a pickle file, which can run code when it is read and is refused; load the model in Python and save it with save_pretrained(folder, safe_serialization=True)`;
    }
  }
  return 'there is neither model.safetensors nor model.safetensors.index.json; fetch the weights too';
}
