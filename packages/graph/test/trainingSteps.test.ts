import { tensorsOf } from '@peft/core';
import { requireClose } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Nested } from '../src/index.ts';
import { type Captured, replayEngine } from './replayEngine.ts';
import { toySteps, trainToy } from './toySteps.ts';

/** A replay after the passes rounds in another order than eager tfjs. */
const tolerance = 1e-6;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function requireEqualTrees(actual: Nested<tf.Tensor>, expected: Nested<tf.Tensor>): number {
  const [found, wanted] = [actual, expected].map((tree) => tensorsOf(tree as never)) as [tf.Tensor[], tf.Tensor[]];
  expect(found.length).toBe(wanted.length);
  for (const [index, tensor] of wanted.entries()) {
    requireClose(found[index]?.dataSync() ?? [], tensor.dataSync(), { what: `leaf ${index}`, tolerance });
  }
  return wanted.length;
}

describe('a captured step gives what the eager step gives', () => {
  it.each(Object.entries(toySteps))('%s', async (name, settings) => {
    const captures: Captured[] = [];
    let compared = 0;
    const engine = replayEngine({
      onCapture: (captured) => captures.push(captured),
      compare: ({ eager, replayed }) => {
        compared += requireEqualTrees(replayed, eager);
      },
    });
    await trainToy(settings, engine);
    expect(compared).toBeGreaterThan(8 * 10);
    for (const { raw, rewritten, milliseconds } of captures)
      console.log(name, raw.nodes.length, rewritten.nodes.length, milliseconds);
  });
});
