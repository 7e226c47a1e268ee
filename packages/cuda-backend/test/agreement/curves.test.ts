import { type AnyStrategy, adamw, batches, type Engine, eagerEngine, fineTune, regression } from '@peft/core';
import { toyData, toyModel } from '@peft/core/testing';
import { toySteps } from '@peft/graph/test';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { simulatedEngine } from '../engine/simulatedEngine.ts';
import { someOf } from '../engine/someOf.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl } from '../simulator/simulatedLibraries.ts';

/** Losses of 20 steps of the toy model, every figure that a step reports, and of an evaluation after each fifth. */
async function figuresOf(name: string, engine: Engine): Promise<readonly number[]> {
  const {
    strategy,
    optimizer = adamw({ weightDecay: 0.01 }),
    accumulate = 1,
  } = toySteps[name] as (typeof toySteps)[string];
  const model = toyModel();
  const figures: number[] = [];
  const run = fineTune(model, {
    strategy: strategy() as AnyStrategy,
    targets: ['embed', 'query', 'head'],
    bias: 'adapted',
    loss: regression(),
    data: batches(toyData(), { batchSize: 6 }),
    evaluation: { data: batches(toyData(4, 9), { batchSize: 4 }), every: 5 },
    steps: 20,
    accumulate,
    optimizer,
    schedule: (step, total) => 0.02 * (1 - step / (2 * total)),
    maxGradientNorm: 0.5,
    seed: 5,
    progress: false,
    onWarning: () => {},
    onEvent(event) {
      if (event.type === 'step') figures.push(event.loss, event.penalty);
      if (event.type === 'evaluation') figures.push(event.loss);
    },
    engine,
  });
  (await run.result).dispose();
  model.weights.dispose();
  return figures;
}

simulated('20 steps on the simulated device', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
    simulatedControl().configure();
  });

  describe('in float32 are those of the eager engine, within 1e-4', () => {
    const engine = simulatedEngine();
    it.each(someOf(toySteps, 2))('%s', async (name) => {
      const [found, expected] = [await figuresOf(name, engine), await figuresOf(name, eagerEngine())];
      expect(found).toHaveLength(44);
      for (const [place, figure] of expected.entries()) {
        expect(Math.abs((found[place] as number) - figure)).toBeLessThanOrEqual(1e-4 * Math.abs(figure) + 1e-7);
      }
    });
  });

  it('in bf16 and tf32 keep close to them', async () => {
    const expected = await figuresOf('LoRA with dropout', eagerEngine());
    for (const [precision, tolerance] of [
      ['bf16', 0.03],
      ['tf32', 0.01],
    ] as const) {
      const engine = simulatedEngine({ precision });
      const found = await figuresOf('LoRA with dropout', engine);
      const distances = expected.map(
        (figure, place) => Math.abs((found[place] as number) - figure) / (Math.abs(figure) || 1),
      );
      expect(Math.max(...distances)).toBeLessThan(tolerance);
      engine.dispose();
    }
  });

  it('with operations put together into generated kernels are the same within rounding', async () => {
    const engine = simulatedEngine({ fuses: true });
    const [found, expected] = [await figuresOf('AdaLoRA', engine), await figuresOf('AdaLoRA', eagerEngine())];
    for (const [place, figure] of expected.entries()) {
      expect(Math.abs((found[place] as number) - figure)).toBeLessThanOrEqual(1e-4 * Math.abs(figure) + 1e-7);
    }
    engine.dispose();
  });
});
