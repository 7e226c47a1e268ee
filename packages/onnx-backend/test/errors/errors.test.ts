import { eagerEngine } from '@peft/core';
import { endOf, lossesWithOptionalColumn, mishaps, refusals } from '@peft/engines';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';

const engine = onnxEngine();

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('what goes wrong reads compiled as it does eagerly, and leaves a state to go on from', () => {
  it.each(mishaps)('%s', async (_, mishap, end) => {
    expect(await endOf(mishap, eagerEngine())).toEqual({ ...end, leftOver: 0 });
    expect(await endOf(mishap, engine)).toEqual({ ...end, leftOver: 0 });
  });
});

describe('what eager steps can and compiled ones cannot is refused, by operation, place and remedy', () => {
  it.each(refusals)('%s', async (_, mishap, said) => {
    expect(await endOf(mishap, eagerEngine())).toEqual({ said: 'undefined: none', step: 3, leftOver: 0 });
    expect(await endOf(mishap, engine)).toEqual({ said, step: 0, leftOver: 0 });
  });
});

it('an optional column may come and go, as in eager runs', async () => {
  const [eager, compiled] = [await lossesWithOptionalColumn(eagerEngine()), await lossesWithOptionalColumn(engine)];
  expect(compiled).toHaveLength(3);
  for (const [step, loss] of eager.entries()) expect(compiled[step]).toBeCloseTo(loss, 5);
});
