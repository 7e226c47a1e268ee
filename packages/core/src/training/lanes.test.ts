import { describe, expect, it } from 'vitest';
import { sgd } from '../optimizers/sgd.ts';
import type { AnyStrategy } from '../strategy.ts';
import type { Target } from '../target.ts';
import { toyStrategy } from '../testing/toyStrategy.ts';
import { type LaneCall, laneInputs, lanesOf, targetOfLeaf } from './lanes.ts';

const query: Target = { path: 'layer.0.query', kind: 'dense', shape: [2, 2] };
const value: Target = { path: 'layer.0.value', kind: 'dense', shape: [2, 2] };
const targets = new Map([query, value].map((target) => [target.path, target]));
const leaves = [
  'adapter/layer.0.query/a',
  'adapter/layer.0.query/b',
  'adapter/0/layer.0.value/a',
  'trained/head.weight',
];
const toy = toyStrategy() as AnyStrategy;
const call: LaneCall = { strategy: toy, state: {}, clock: { step: 5, totalSteps: 10 }, groups: [], targets };

describe('lanes', () => {
  it('know the target of a leaf by any key on its way', () => {
    expect(leaves.map((leaf) => targetOfLeaf(leaf, targets)?.path)).toEqual([
      'layer.0.query',
      'layer.0.query',
      'layer.0.value',
      undefined,
    ]);
  });

  it('are shared by leaves of one age, one life and one group', () => {
    const idsOf = (starts: ReadonlyMap<string, number>, more: Partial<LaneCall> = {}) => {
      const lanes = lanesOf(leaves, starts, { ...call, ...more });
      const ids = [...lanes.values()].map(({ id }) => id);
      return ids.map((id) => ids.indexOf(id));
    };
    const together = new Map(leaves.map((leaf) => [leaf, 0]));
    expect(idsOf(together)).toEqual([0, 0, 0, 0]);
    expect(idsOf(new Map([...together, ['adapter/0/layer.0.value/a', 3]]))).toEqual([0, 0, 2, 0]);
    expect(idsOf(together, { groups: [{ name: 'b', match: /\/b$/ }] })).toEqual([0, 1, 0, 0]);
    const ofQuery: AnyStrategy['lifeOf'] = (_state, clock, target) =>
      target === query ? { step: clock.step - 4, totalSteps: 5 } : clock;
    expect(idsOf(together, { strategy: { ...toy, lifeOf: ofQuery } })).toEqual([0, 0, 2, 2]);
  });

  it('take the first group that matches, whatever state its expression carries', () => {
    const groups = [
      { name: 'first', match: /layer/g, learningRateFactor: 3 },
      { name: 'second', match: () => true },
    ];
    for (let i = 0; i < 3; i++) {
      const lanes = lanesOf(leaves, new Map(), { ...call, groups });
      expect([...lanes.values()].map(({ group }) => group?.name)).toEqual(['first', 'first', 'first', 'second']);
    }
  });

  it('feed rate and optimizer by the steps of the life and of the moments', () => {
    const strategy: AnyStrategy = { ...toy, lifeOf: () => ({ step: 2, totalSteps: 4 }) };
    const optimizer = { ...sgd(), inputs: (step: number) => ({ age: step }) };
    const group = { name: 'fast', match: /./, learningRateFactor: 3 };
    const lane = { id: '', group, start: 1, target: query };
    const schedule = (step: number, total: number) => step + total / 100;
    expect(laneInputs(lane, { ...call, strategy, optimizer, schedule })).toEqual({ learningRate: 3 * 1.04, age: 4 });
  });
});
