// The example of the README at the top, run by an application that installs every package.
import { freshVitWeights, saveModel, vit } from '@peft/models';
import { readmeExample } from '../../../scripts/readmeExample.ts';
import { baseConfig } from './baseConfig.ts';

readmeExample(import.meta.url, (specifier) => import(specifier), {
  readme: '../../../README.md',
  async prepare() {
    const config = { ...baseConfig, image_size: 16 };
    await saveModel('./vit-tiny', { ...vit(config, freshVitWeights(config, 1)), config });
  },
});
