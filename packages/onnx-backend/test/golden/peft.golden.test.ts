import { checkGoldenRun, goldenRuns } from '@peft/adalora/test';
import { checkGoldenOptimizer, goldenOptimizers } from '@peft/core/test';
import {
  checkGoldenBase,
  checkGoldenCase,
  checkGoldenFineTuning,
  checkGoldenMask,
  goldenCases,
  goldenFineTunings,
  goldenMasks,
} from '@peft/lora/test';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';

const engine = onnxEngine();

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('compiled, as Python PEFT: AdaLoRA through all its phases', () => {
  it.each(goldenRuns.map((run) => [run.name, run] as const))('%s', (_, run) => checkGoldenRun(run, engine));
});

describe('compiled, as Python PEFT: LoRA', () => {
  it('has the base that torch has', () => checkGoldenBase(engine));
  it.each(goldenCases.map((one) => [one.name, one] as const))('%s: outputs, gradients, five steps, merge', (_, one) =>
    checkGoldenCase(one, engine),
  );
  it.each(goldenFineTunings.map((one) => [one.name, one] as const))('fineTune, %s: all that trains', (_, one) =>
    checkGoldenFineTuning(one, engine),
  );
  it.each(goldenMasks.map((one) => [one.dora, one] as const))('under a given dropout mask, dora %s', (_, one) =>
    checkGoldenMask(one, engine),
  );
});

describe('compiled, as torch: optimizers', () => {
  it.each(goldenOptimizers)('%s', (_, golden) => checkGoldenOptimizer(golden, engine));
});
