import { eagerEngine, type Target } from '@peft/core';
import { expectParity } from '@peft/parity';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import {
  checkGoldenBase,
  checkGoldenCase,
  goldenBase,
  goldenCases,
  goldenStrategy,
  goldenTargets,
  type Numbers,
  tolerance,
} from '../test/goldenCases.ts';
import { checkGoldenFineTuning, goldenFineTunings } from '../test/goldenFineTunings.ts';
import { checkGoldenMask, goldenMasks } from '../test/goldenMasks.ts';
import { onEachBackend } from '../test/onEachBackend.ts';

onEachBackend(() => {
  it('has the base that torch has', () => checkGoldenBase(eagerEngine()));

  it.each(goldenCases.map((one) => [one.name, one] as const))('%s: outputs, gradients, five steps, merge', (_, one) =>
    checkGoldenCase(one, eagerEngine()),
  );

  it.each(goldenCases.map((one) => [one.name, one] as const))('%s: fresh shapes and magnitudes', (_, one) => {
    const base = goldenBase();
    const context = {
      targets: goldenTargets(one),
      seed: 3,
      totalSteps: 5,
      weightOf: ({ path }: Target) => base.tensor(`${path}.weight`),
    };
    tf.tidy(() => {
      const { params } = goldenStrategy(one).init(context);
      for (const [path, parts] of Object.entries(one.initial)) {
        const shapes = Object.entries(params[path] ?? {}).map(([part, tensor]) => [part, tensor.shape]);
        expect(Object.fromEntries(shapes)).toEqual(
          Object.fromEntries(Object.entries(parts).map(([part, { shape }]) => [part, shape])),
        );
        if (!one.freshMagnitudes[path]) continue;
        const { magnitude } = params[path] as { magnitude: tf.Tensor };
        const { values } = one.freshMagnitudes[path] as Numbers;
        const actual = magnitude.dataSync() as Float32Array;
        expectParity('DoRA: fresh magnitudes', { actual, expected: values, tolerance });
      }
    });
    base.dispose();
  });

  it.each(goldenFineTunings.map((one) => [one.name, one] as const))(
    'fineTune, %s: all that trains, step by step',
    (_, one) => checkGoldenFineTuning(one),
  );

  it.each(goldenMasks.map((one) => [one.dora, one] as const))('under a given dropout mask, dora %s', (_, one) =>
    checkGoldenMask(one, eagerEngine()),
  );
});
