import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import { type AnyStrategy, adamw, batches, fineTune, regression } from '@peft/core';
import { toyData, toyModel } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { simulated } from '../simulator/simulated.ts';
import { simulatedControl } from '../simulator/simulatedLibraries.ts';
import { settled } from './programOf.ts';
import { simulatedEngine } from './simulatedEngine.ts';

const [links, linkLength] = [4, 12];

simulated('over knots, compactions and evaluations on the simulated device', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
    simulatedControl().configure();
  });

  it('nothing grows, and in the end nothing is left', async () => {
    const engine = simulatedEngine();
    const tensorsBefore = tf.memory().numTensors;
    const samples: Record<string, number>[] = [];
    const model = toyModel();
    const run = fineTune(model, {
      strategy: cola(adalora({ initRank: 3, targetRank: 1, warmupSteps: 2, finalSteps: 4 }), { links }) as AnyStrategy,
      targets: ['embed', 'query'],
      modulesToSave: ['head'],
      loss: regression(),
      data: batches(toyData(), { batchSize: 6 }),
      evaluation: { data: batches(toyData(4, 9), { batchSize: 4 }), every: 4 },
      steps: links * linkLength,
      accumulate: 2,
      optimizer: adamw(),
      schedule: 1e-3,
      keepLinks: false,
      engine,
      progress: false,
      onWarning: () => {},
      onEvent(event) {
        if (event.type !== 'step' || event.step % linkLength !== 7) return;
        const { allocations, ...objects } = simulatedControl().liveObjects();
        samples.push({ ...objects, tensors: tf.memory().numTensors, allocations });
      },
    });
    (await run.result).dispose();
    // Copies of former links' weights stay for a while, to be taken by whoever wants them.
    const withoutWeights = samples.map(({ allocations: _, ...others }) => others);
    // The first links meet shapes of products that are new.
    expect(withoutWeights.slice(2)).toEqual(withoutWeights.slice(2).map(() => withoutWeights[2]));
    expect(withoutWeights).toHaveLength(links);
    engine.dispose();
    model.weights.dispose();
    await settled();
    expect(Object.values(simulatedControl().liveObjects())).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(tf.memory().numTensors).toBe(tensorsBefore);
  });
});
