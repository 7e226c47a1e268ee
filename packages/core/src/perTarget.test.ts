import { fold } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { withKnots } from '../test/knots.ts';
import { perTarget } from './perTarget.ts';
import type { AnyStrategy, Clock, Context } from './strategy.ts';
import { toyModel } from './testing/toyModel.ts';
import { toyStrategy } from './testing/toyStrategy.ts';
import { tensorsOf } from './tree.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const { targets, weights } = toyModel();
const context: Context = {
  targets,
  seed: 7,
  totalSteps: 4,
  weightOf: ({ path }) => weights.tensor(`${path}.weight`),
};
const clock: Clock = { step: 2, totalSteps: 4 };
const toy = toyStrategy() as AnyStrategy;

/** A toy that reports what it is asked, and asks for a budget of its own. */
function telling(name: string, more: Partial<AnyStrategy> = {}): AnyStrategy {
  return {
    ...toy,
    name,
    inputs: (_state, { step }) => ({ budget: step * 10 }),
    penalty: ({ params }) => tf.scalar(tensorsOf(params).length),
    ...more,
  };
}

const routed = (left: AnyStrategy, right: AnyStrategy) =>
  perTarget([
    { targets: ['query'], strategy: left },
    { targets: ['embed', 'head'], strategy: right },
  ]) as AnyStrategy;

describe('perTarget', () => {
  it('gives every route its targets, a seed of its own, its inputs and its state', () => {
    tf.tidy(() => {
      const seen: Context[] = [];
      const watching = (name: string) =>
        telling(name, {
          init(own) {
            seen.push(own);
            return { ...toy.init(own), state: { steps: 3 } };
          },
        });
      const strategy = routed(watching('left'), watching('right'));
      expect(strategy.name).toBe('perTarget(left, right)');
      const adapter = strategy.init(context);
      expect(seen.map(({ targets: own, seed }) => [own.map(({ path }) => path), seed])).toEqual([
        [['layer.0.query', 'layer.1.query'], fold(7, 0)],
        [['embed', 'head'], fold(7, 1)],
      ]);
      expect(Object.keys(adapter.params)).toEqual(['0', '1']);
      expect(adapter.state).toEqual({ 0: { steps: 3 }, 1: { steps: 3 } });
      expect(strategy.inputs?.(adapter.state, clock)).toEqual({ '0/budget': 20, '1/budget': 20 });
      expect(strategy.penalty?.(adapter).dataSync()[0]).toBe(8);
      expect([strategy.part?.('1')?.name, strategy.part?.('2')]).toEqual(['right', undefined]);
    });
  });

  it('strips the prefix of inputs again, and leaves a route without update as it is', () => {
    tf.tidy(() => {
      const received: string[][] = [];
      const left = telling('left', {
        update({ after, state, inputs }) {
          received.push(Object.keys(inputs));
          return { params: after, state };
        },
      });
      const strategy = routed(left, toy);
      const { params, state } = strategy.init(context);
      const inputs = { '0/budget': tf.scalar(1), '1/budget': tf.scalar(2) };
      const updated = strategy.update?.({ before: params, after: params, grads: params, state, inputs });
      expect(received).toEqual([['budget']]);
      expect(updated).toEqual({ params, state });
    });
  });

  it('settles when every route is, and has factors where every route has', () => {
    const unsettled = telling('left', { isSettled: (_state, { step }) => step > 2 });
    const strategy = routed(unsettled, toy);
    expect([1, 2, 3].map((step) => strategy.isSettled?.({}, { step, totalSteps: 4 }))).toEqual([false, false, true]);
    const { factors: _factors, ...rest } = toy;
    expect([routed(toy, toy).factors !== undefined, routed(toy, rest).factors]).toEqual([true, undefined]);
    expect([routed(toy, toy).penalty, routed(toy, telling('right')).penalty !== undefined]).toEqual([undefined, true]);
  });

  it('passes effects on under the name of their route, a restart of all as one of its targets', async () => {
    const knots = withKnots(2);
    const everything: AnyStrategy = {
      ...knots,
      advance: (own, adapter, at) =>
        knots.advance?.(own, adapter, at)?.then((step) => ({
          ...step,
          effects: [
            ...step.effects.filter(({ kind }) => kind === 'merge'),
            { kind: 'restart', targets: 'all' },
            { kind: 'select', leaves: [{ path: 'embed/a', axis: 0, indices: [0] }] },
          ],
        })),
    };
    const strategy = routed(toy, everything);
    const adapter = strategy.init(context);
    expect(strategy.advance?.(context, adapter, { step: 1, totalSteps: 4 })).toBeUndefined();
    const step = await strategy.advance?.(context, adapter, clock);
    const own = targets.filter(({ path }) => ['embed', 'head'].includes(path));
    expect(step?.effects.map(({ kind, ...rest }) => ({ kind, ...rest }))).toMatchObject([
      { kind: 'merge', source: '1/link', targets: own },
      { kind: 'restart', targets: own },
      { kind: 'select', leaves: [{ path: '1/embed/a' }] },
    ]);
    expect(step?.params['0']).toBe(adapter.params['0']);
    expect(step?.state['1']).toEqual({ index: 1 });
    tf.dispose([adapter, step?.params] as unknown as tf.TensorContainer);
  });

  it('asks the route of a target for its life, and the run for leaves of none', () => {
    const own: Clock = { step: 1, totalSteps: 2 };
    const strategy = routed(telling('left', { lifeOf: () => own }), toy);
    const [embed, query] = targets;
    expect([query, embed, undefined].map((target) => strategy.lifeOf?.({}, clock, target))).toEqual([
      own,
      clock,
      clock,
    ]);
  });
});
