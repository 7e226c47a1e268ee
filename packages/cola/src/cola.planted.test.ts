import type { AnyStrategy } from '@peft/core';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { floorOf, requireFloors, residuals } from '../test/plantedProblem.ts';
import { cola } from './cola.ts';

describe('a matrix of rank 8 with known singular values', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('has the floors of Eckart and Young', () => {
    expect([2, 4, 6, 7, 8].map((rank) => floorOf(rank).toFixed(4))).toEqual([
      '0.4461',
      '0.1471',
      '0.0245',
      '0.0049',
      '0.0000',
    ]);
  });

  it('holds one LoRA of rank 2 above the floor of rank 2', async () => {
    const [found] = await residuals(lora({ rank: 2, alpha: 2 }) as AnyStrategy, { steps: 600, every: 600 });
    expect(found).toBeGreaterThanOrEqual(floorOf(2) - 1e-4);
    expect(found).toBeLessThan(0.45);
  });

  it('is reached by four links of rank 2, floor by floor', async () => {
    const chain = cola(lora({ rank: 2, alpha: 2 }), { links: 4 }) as AnyStrategy;
    requireFloors(await residuals(chain, { steps: 1200, every: 300 }), [2, 4, 6, 8]);
  });

  it('is reached as far as the sum of ranks that step down', async () => {
    const ranks = [4, 2, 1];
    const link = (index: number) => lora({ rank: ranks[index] as number, alpha: ranks[index] as number });
    const chain = cola(link, { links: 3 }) as AnyStrategy;
    requireFloors(await residuals(chain, { steps: 900, every: 300 }), [4, 6, 7]);
  });
});
