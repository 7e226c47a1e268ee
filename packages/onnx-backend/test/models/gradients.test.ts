import { eagerEngine } from '@peft/core';
import { requireClose } from '@peft/core/testing';
import { gradientsOf, gradientTrainings, isWithoutEffect, toyTransformers } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';

const engine = onnxEngine();

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const normOf = (values: Float32Array) => Math.hypot(...values);

describe.each(Object.entries(toyTransformers))('%s: compiled gradients are the eager ones', (_name, make) => {
  it.each(Object.entries(gradientTrainings))('%s', async (_training, optionsOf) => {
    const eager = await gradientsOf(make(), optionsOf(make()), eagerEngine());
    const compiled = await gradientsOf(make(), optionsOf(make()), engine);
    expect([...compiled.keys()]).toEqual([...eager.keys()]);
    expect(eager.size).toBeGreaterThan(20);
    const size = Math.hypot(...[...eager.values()].map(normOf));
    for (const [path, expected] of eager) {
      const found = compiled.get(path) ?? new Float32Array();
      if (!isWithoutEffect(path)) requireClose(found, expected, { what: path, tolerance: 1e-5 });
      else expect([path, normOf(found) < 1e-6 * size, normOf(expected) < 1e-6 * size]).toEqual([path, true, true]);
    }
  });
});
