import { PeftError } from '@peft/core';
import { bertFamily } from './bert/bertFamily.ts';
import { sayValue } from './configFields.ts';
import type { Family } from './family.ts';
import { gpt2Family } from './gpt2/gpt2Family.ts';
import { llamaFamily } from './llama/llamaFamily.ts';
import { optFamily } from './opt/optFamily.ts';
import { vitFamily } from './vit/vitFamily.ts';

/** The families that can be loaded, by config.json's model_type. */
export const families: Readonly<Record<string, Family>> = {
  bert: bertFamily,
  gpt2: gpt2Family,
  llama: llamaFamily,
  opt: optFamily,
  vit: vitFamily,
};

/** The family a config belongs to; throws `model/family` for one that is not known. */
export function familyOf({ model_type: modelType }: Readonly<Record<string, unknown>>): Family {
  const family = typeof modelType === 'string' && Object.hasOwn(families, modelType) ? families[modelType] : undefined;
  if (family) return family;
  throw new PeftError(
    'model/family',
    `model_type in config.json is ${sayValue(modelType)}; the families that can be loaded are ${Object.keys(families).join(', ')}.`,
  );
}
