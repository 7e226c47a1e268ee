import { refuseUnknown } from '../refuseUnknown.ts';
import type { FineTuneOptions } from './fineTune.ts';

const known: Readonly<Record<keyof FineTuneOptions, true>> = {
  strategy: true,
  targets: true,
  exclude: true,
  layers: true,
  layersPattern: true,
  modulesToSave: true,
  bias: true,
  trainableTokens: true,
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

/** Refuses options that fineTune does not have. */
export function checkOptionNames(options: FineTuneOptions): void {
  refuseUnknown('fineTune', options, Object.keys(known));
}
