import { eagerEngine } from '@peft/core';
import { requireClose } from '@peft/core/testing';
import { gradientsOf, gradientTrainings, isWithoutEffect, toyTransformers } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { simulatedEngine } from '../engine/simulatedEngine.ts';
import { someOf } from '../engine/someOf.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl } from '../simulator/simulatedLibraries.ts';

type Gradients = ReadonlyMap<string, Float32Array>;

const normOf = (values: Float32Array) => Math.hypot(...values);
const joined = (gradients: Gradients, order: Gradients) =>
  Float32Array.from([...order.keys()].flatMap((path) => [...(gradients.get(path) as Float32Array)]));
const cosineOf = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, index) => sum + value * (b[index] as number), 0) / (normOf(a) * normOf(b));

simulated('gradients on the simulated device', () => {
  const exact = simulatedEngine();
  const narrow = simulatedEngine({ precision: 'bf16' });

  beforeAll(async () => {
    await tf.setBackend('cpu');
    simulatedControl().configure();
  });

  const families = Object.fromEntries(
    Object.entries(toyTransformers).flatMap(([family, make]) =>
      Object.entries(gradientTrainings).map(([training, optionsOf]) => [`${family}, ${training}`, { make, optionsOf }]),
    ),
  );

  describe.each(someOf(families, 1))('%s', (_name, { make, optionsOf }) => {
    it('are the eager ones: each tensor within 1e-4 in float32, all of them within a cosine of 0.999 in bf16', async () => {
      const eager = await gradientsOf(make(), optionsOf(make()), eagerEngine());
      expect(eager.size).toBeGreaterThan(20);
      const compiled = await gradientsOf(make(), optionsOf(make()), exact);
      expect([...compiled.keys()]).toEqual([...eager.keys()]);
      const size = Math.hypot(...[...eager.values()].map(normOf));
      for (const [path, expected] of eager) {
        const found = compiled.get(path) as Float32Array;
        if (!isWithoutEffect(path)) requireClose(found, expected, { what: path, tolerance: 1e-4 });
        else expect([path, normOf(found) < 1e-6 * size]).toEqual([path, true]);
      }
      const rounded = await gradientsOf(make(), optionsOf(make()), narrow);
      expect(cosineOf(joined(rounded, eager), joined(eager, eager))).toBeGreaterThanOrEqual(0.999);
    });
  });
});
