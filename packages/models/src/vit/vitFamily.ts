import type { Family } from '../family.ts';
import { vit } from './vit.ts';
import { readVitConfig } from './vitConfig.ts';
import { vitParameters } from './vitParameters.ts';

/** ViTForImageClassification. */
export const vitFamily: Family = {
  model: vit,
  parameters: (config) => vitParameters(readVitConfig(config)),
};
