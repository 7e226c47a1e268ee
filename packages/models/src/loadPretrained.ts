import { type FolderSource, readModelFolder, readModelWeights } from '@peft/checkpoint';
import type { AnyModel } from '@peft/core';
import { familyOf } from './families.ts';

/** A model with the config.json it was built from. */
export type PretrainedModel = AnyModel & { readonly config: Readonly<Record<string, unknown>> };

export type LoadOptions = {
  /** Fields that replace those of config.json, in Python's names. */
  readonly config?: Readonly<Record<string, unknown>>;
};

/**
 * Loads a model from a Hugging Face folder: config.json says its family, and the weights must be exactly that
 * model's. Stored dtypes are kept.
 * @throws PeftError `model/family`, `model/config`, and the `checkpoint/...` codes for files and tensors.
 */
export async function loadPretrained(source: FolderSource, options: LoadOptions = {}): Promise<PretrainedModel> {
  const folder = await readModelFolder(source);
  const config = { ...folder.config, ...options.config };
  const family = familyOf(config);
  const weights = await readModelWeights(folder, family.parameters(config));
  return { ...family.model(config, weights), config };
}
