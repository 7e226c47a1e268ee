import type { FineTuneOptions } from './fineTune.ts';
import type { Problems } from './problems.ts';

const known: Readonly<Record<keyof FineTuneOptions, true>> = {
  strategy: true,
  targets: true,
  exclude: true,
  layers: true,
  layersPattern: true,
  modulesToSave: true,
  bias: true,
  loss: true,
  data: true,
  steps: true,
  epochs: true,
  accumulate: true,
  optimizer: true,
  schedule: true,
  groups: true,
  maxGradientNorm: true,
  seed: true,
  evaluation: true,
  earlyStopping: true,
  keepBest: true,
  keepLinks: true,
  checkpoints: true,
  resume: true,
  from: true,
  engine: true,
  signal: true,
  onEvent: true,
  onWarning: true,
  progress: true,
};

/** Refuses options of other names, which would have no effect and no error. */
export function checkOptionNames(options: FineTuneOptions, problems: Problems): void {
  for (const name of Object.keys(options)) {
    problems.when(!(name in known), `"${name}" is no option; the options are ${Object.keys(known).join(', ')}.`);
  }
}
