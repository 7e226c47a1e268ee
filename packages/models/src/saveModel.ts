import { writeModelFolder } from '@peft/checkpoint';
import type { Weights } from '@peft/core';
import { familyOf } from './families.ts';
import type { PretrainedModel } from './loadPretrained.ts';

/**
 * Writes config.json and model.safetensors, which transformers' from_pretrained reads. `weights` replace the
 * model's own, such as those of `mergeAdapter`.
 * @throws PeftError `model/family`, `model/config`, and the `checkpoint/...` codes for tensors and files.
 */
export async function saveModel(
  path: string,
  { config, weights: own }: Pick<PretrainedModel, 'config' | 'weights'>,
  weights: Weights = own,
): Promise<void> {
  await writeModelFolder(path, { config, weights, parameters: familyOf(config).parameters(config) });
}
