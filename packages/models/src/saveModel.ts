import { writeModelFolder } from '@peft/checkpoint';
import { PeftError, Weights } from '@peft/core';
import { familyOf } from './families.ts';
import type { Family } from './family.ts';
import type { PretrainedModel } from './loadPretrained.ts';
import { isTied } from './tiedHead.ts';

/**
 * Writes config.json and model.safetensors, which transformers' from_pretrained reads. `weights` replace the
 * model's own, such as those of `mergeAdapter`. A head that no longer equals the table it came from is written beside
 * it, with `tie_word_embeddings` false.
 * @throws PeftError `model/family`, `model/config`, `model/tied`, and the `checkpoint/...` codes for tensors and files.
 */
export async function saveModel(
  path: string,
  { config, weights: own }: Pick<PretrainedModel, 'config' | 'weights'>,
  weights: Weights = own,
): Promise<void> {
  const family = familyOf(config);
  const described = describe(family, config, weights);
  const { parameters, fileName = (each: string) => each } = family;
  const stored = weights.paths.map((each) => [fileName(each), weights.get(each)] as const);
  const named = [...parameters(described)].map(([each, parameter]) => [fileName(each), parameter] as const);
  await writeModelFolder(path, { config: described, weights: new Weights(stored), parameters: new Map(named) });
}

/** The config that says what these weights are: whether a head still is the table it came from. */
function describe(family: Family, config: PretrainedModel['config'], weights: Weights): PretrainedModel['config'] {
  const tie = family.tie?.(config);
  if (!tie || isTied(weights, tie)) return config;
  if (family.parted) return family.parted(config);
  throw new PeftError(
    'model/tied',
    `"${tie.head}" and "${tie.table}" are one weight in the model's files, and here they differ; leave both out of what is merged or trained, or save the adapter instead.`,
  );
}
