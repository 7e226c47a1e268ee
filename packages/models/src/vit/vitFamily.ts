import type { Family } from '../family.ts';
import { vit } from './vit.ts';
import { readVitConfig } from './vitConfig.ts';
import { vitParameters } from './vitParameters.ts';
import { vitPaths } from './vitPaths.ts';

/** ViTForImageClassification. */
export const vitFamily: Family = {
  model: vit,
  parameters: (config) => vitParameters(readVitConfig(config)),
  head: () => [vitPaths.classifier],
};
