import { ranksFound } from '@peft/adalora/test';
import { cola } from '@peft/cola';
import { floorOf, requireFloors, residuals } from '@peft/cola/test';
import type { AnyStrategy } from '@peft/core';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';

const engine = onnxEngine();

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('compiled, AdaLoRA', () => {
  it('finds the planted ranks exactly, and what they span', async () => {
    const planted = [6, 4, 3, 2, 1, 0, 0, 0];
    const { ranks, residual } = await ranksFound({ planted, seed: 1, initRank: 6, engine });
    expect(ranks).toEqual(planted);
    // One LoRA of rank 2 everywhere, of the same size, cannot get below 0.2684.
    expect(residual).toBeLessThanOrEqual(0.01);
  });

  it('leaves equal ranks equal', async () => {
    const { ranks } = await ranksFound({ planted: Array(8).fill(2), seed: 1, initRank: 3, engine });
    expect(ranks).toEqual(Array(8).fill(2));
  });
});

describe('compiled, a matrix of rank 8 with known singular values', () => {
  it('holds one LoRA of rank 2 above the floor of rank 2', async () => {
    const [found] = await residuals(lora({ rank: 2, alpha: 2 }) as AnyStrategy, { steps: 600, every: 600, engine });
    expect(found).toBeGreaterThanOrEqual(floorOf(2) - 1e-4);
    expect(found).toBeLessThan(0.45);
  });

  it('is reached by four links of rank 2, floor by floor', async () => {
    const chain = cola(lora({ rank: 2, alpha: 2 }), { links: 4 }) as AnyStrategy;
    requireFloors(await residuals(chain, { steps: 1200, every: 300, engine }), [2, 4, 6, 8]);
  });

  it('is reached as far as the sum of ranks that step down', async () => {
    const ranks = [4, 2, 1];
    const link = (index: number) => lora({ rank: ranks[index] as number, alpha: ranks[index] as number });
    const chain = cola(link, { links: 3 }) as AnyStrategy;
    requireFloors(await residuals(chain, { steps: 900, every: 300, engine }), [4, 6, 7]);
  });
});
