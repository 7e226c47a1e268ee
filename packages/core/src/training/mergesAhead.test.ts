import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { eagerEngine } from '../eagerEngine.ts';
import type { Effect } from '../effect.ts';
import type { Engine } from '../engine.ts';
import { hostArray } from '../hostArray.ts';
import type { AnyStrategy } from '../strategy.ts';
import { Weights } from '../weights.ts';
import { MergesAhead } from './mergesAhead.ts';

const target = { path: 'map', kind: 'dense', shape: [1, 2] };

/** Adds a number to every weight. */
const adding = (amount: number, source = ''): Effect => ({
  kind: 'merge',
  targets: [target],
  adapter: { params: {}, state: {} },
  strategy: { name: 'adding', merge: (_adapter, _target, weight) => tf.add(weight, amount) } as AnyStrategy,
  source,
});

function planted() {
  const base = new Weights([['map.weight', hostArray([1, 2], [1, 2])]]);
  const weights = base.fork();
  let merges = 0;
  const engine: Engine = {
    ...eagerEngine(),
    compile(functions, over) {
      merges++;
      return eagerEngine().compile(functions, over);
    },
  };
  const ahead = new MergesAhead(weights, engine);
  const now = () => [...(weights.get('map.weight').data as Float32Array)];
  return { base, weights, ahead, now, mergesNow: () => merges };
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('merges computed ahead', () => {
  it('show in weightAfter, in order, and in the weights only once carried out, without another merge', async () => {
    const before = tf.memory().numTensors;
    const { base, weights, ahead, now, mergesNow } = planted();
    const effects = [adding(2), adding(3), { kind: 'restart', targets: 'all' } as const];
    const weightOf = await ahead.weightAfter(effects);
    expect([...weightOf(target).dataSync()]).toEqual([6, 7]);
    expect([now(), mergesNow()]).toEqual([[1, 2], 2]);
    // A whole passes the effects of its part on under another source.
    await ahead.carryOut(effects.map((effect) => ({ ...effect, source: '1' })) as Effect[]);
    expect([now(), mergesNow()]).toEqual([[6, 7], 2]);
    ahead.dispose();
    weights.dispose();
    base.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('are merged when others were computed, or none', async () => {
    const { ahead, now, mergesNow } = planted();
    await ahead.weightAfter([adding(2)]);
    await ahead.carryOut([adding(4)]);
    expect([now(), mergesNow()]).toEqual([[5, 6], 2]);
    await ahead.carryOut([]);
    expect([now(), mergesNow()]).toEqual([[5, 6], 2]);
    ahead.dispose();
  });
});
