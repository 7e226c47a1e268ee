import { adamw, attach, batches, combinedFactors, fineTune, regression, unwind } from '@peft/core';
import { requireClose, toyData, toyModel } from '@peft/core/testing';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { cola } from './cola.ts';

const links = 3;
const stepsALink = 4;

describe('a chain unwound to an earlier knot', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  const train = (steps: number, count: number) =>
    fineTune(toyModel(), {
      strategy: cola(lora({ rank: 2, dora: false }), { links: count }),
      targets: ['embed', 'query'],
      loss: regression(),
      data: batches(toyData(), { batchSize: 6 }),
      optimizer: adamw(),
      schedule: 0.02,
      steps,
      seed: 3,
      progress: false,
      onWarning: () => {},
    }).result;

  const outputs = async (adapter: Parameters<typeof attach>[1]) => {
    const attached = await attach(toyModel(), adapter);
    const ids = tf.tensor2d([0, 1, 2, 3, 4, 5], [3, 2], 'int32');
    const output = attached.apply({ ids });
    const values = output.dataSync().slice();
    attached.dispose();
    tf.dispose([ids, output]);
    return values;
  };

  it('is the chain that ended there', async () => {
    const whole = await train(links * stepsALink, links);
    for (let knot = 1; knot < links; knot++) {
      const shorter = await train(knot * stepsALink, knot);
      requireClose(await outputs(unwind(whole.adapter, knot)), await outputs(shorter.adapter), {
        what: `knot ${knot}`,
        tolerance: 1e-6,
      });
      shorter.dispose();
    }
    whole.dispose();
  });

  it('is the base at knot 0, and has the rank of the links it keeps', async () => {
    const whole = await train(links * stepsALink, links);
    const base = { ...whole.adapter, finished: [], targets: [] };
    requireClose(await outputs(unwind(whole.adapter, 0)), await outputs(base), { what: 'base' });
    const [target] = whole.adapter.targets;
    if (!target) throw new Error('no target');
    expect(combinedFactors(unwind(whole.adapter, 0), target)).toBeUndefined();
    const pair = combinedFactors(unwind(whole.adapter, 2), target);
    expect(pair?.a.shape.at(-1)).toBe(4);
    tf.dispose(pair ?? {});
    whole.dispose();
  });

  it.each([-1, 3, 0.5])('refuses %d links of two', async (count) => {
    const whole = await train(links * stepsALink, links);
    expect(() => unwind(whole.adapter, count)).toThrow(
      `unwind: links is ${count}; it must be a whole number at least 0 and at most 2.`,
    );
    whole.dispose();
  });
});
