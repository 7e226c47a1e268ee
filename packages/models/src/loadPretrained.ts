import { type FolderSource, type ModelFolder, namingFolder, readModelFolder, readModelWeights } from '@peft/checkpoint';
import type { AnyModel, Seed } from '@peft/core';
import { familyOf } from './families.ts';
import { initializerRange } from './freshWeights.ts';
import { readWithFreshHead } from './readWithFreshHead.ts';

/** A model with the config.json it was built from. */
export type PretrainedModel = AnyModel & { readonly config: Readonly<Record<string, unknown>> };

export type LoadOptions = {
  /** Fields that replace those of config.json, in Python's names. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Draws from this seed what the folder has nothing of in the model's head, or has in another size; refused where left out. */
  readonly freshHead?: Seed;
};

/**
 * Loads a model from a Hugging Face folder: config.json says its family, and the weights must be exactly that
 * model's. Stored dtypes are kept.
 * @throws PeftError `model/family`, `model/config`, and the `checkpoint/...` codes for files and tensors.
 */
export async function loadPretrained(source: FolderSource, options: LoadOptions = {}): Promise<PretrainedModel> {
  const folder = await readModelFolder(source);
  return namingFolder(folder.name, () => modelOf(folder, options));
}

async function modelOf(folder: ModelFolder, { config: replaced, freshHead }: LoadOptions): Promise<PretrainedModel> {
  const stated = { ...folder.config, ...replaced };
  const family = familyOf(stated);
  const tensors = family.rename?.(folder.tensors, stated) ?? folder.tensors;
  // As in transformers, a file's own head counts more than what the config says of it.
  const hasHead = tensors.has(family.tie?.(stated)?.head ?? '');
  const config = hasHead && family.parted ? family.parted(stated) : stated;
  const parameters = family.parameters(config);
  const weights =
    freshHead === undefined
      ? await readModelWeights({ tensors }, parameters)
      : await readWithFreshHead(
          { tensors, parameters, head: family.head(config) },
          { deviation: initializerRange(config), seed: freshHead },
        );
  return { ...family.model(config, weights), config };
}
