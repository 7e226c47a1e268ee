import { fold } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { layerKindOf } from '../layerKind.ts';
import type { AnyAdapter, AnyStrategy, Clock, Context } from '../strategy.ts';
import { mapTree, type Snapshot, type Tree, tensorsOf } from '../tree.ts';
import { chainLaws, type MakeChain } from './chainLaws.ts';
import { type ToyParams, toyStrategy } from './toyStrategy.ts';

type Mistake =
  | 'no merge at the knot'
  | 'no restart of the moments'
  | 'no restart of the schedule'
  | 'inner state not renewed'
  | 'merging the adapter from before the last update'
  | 'knots one step late'
  | 'a knot after the last link too'
  | 'next link initialised from the un-merged base'
  | 'every link has the seed of the first'
  | "the link follows the run's clock"
  | "the head keeps its moments under restart: 'all'";

type ChainState = { readonly link: Snapshot; readonly index: number; readonly start: number; readonly before?: Tree };

/** A chain as small as one can be, which can make one mistake. */
const chainWith =
  (mistake?: Mistake): MakeChain =>
  (linkOf, { steps, restart }) => {
    const is = (candidate: Mistake) => mistake === candidate;
    const lengthOf = (index: number) => steps[index] as number;
    const clockOf = ({ index, start }: ChainState, clock: Clock): Clock => ({
      step: clock.step - start,
      totalSteps: lengthOf(index),
    });
    const stateOf = (state: Snapshot) => state as unknown as ChainState;
    const inner = ({ params, state }: AnyAdapter): AnyAdapter => ({ params, state: stateOf(state).link });
    const linkAt = (state: Snapshot) => linkOf(stateOf(state).index);
    const begin = (context: Context, index: number) =>
      linkOf(index).init({
        ...context,
        seed: index === 0 || is('every link has the seed of the first') ? context.seed : fold(context.seed, index),
        totalSteps: lengthOf(index),
      });
    return {
      name: 'chain',
      init(context) {
        const { params, state } = begin(context, 0);
        const before = is('merging the adapter from before the last update') && { before: mapTree(params, tf.clone) };
        return { params, state: { link: state, index: 0, start: 0, ...before } as Snapshot };
      },
      forward: (adapter, target, call) => linkAt(adapter.state).forward(inner(adapter), target, call),
      merge: (adapter, target, weight) => linkAt(adapter.state).merge(inner(adapter), target, weight),
      inputs(state, clock) {
        const own = is("the link follows the run's clock") ? clock : clockOf(stateOf(state), clock);
        return linkAt(state).inputs?.(stateOf(state).link, own) ?? {};
      },
      update(call) {
        const state = stateOf(call.state);
        const next = linkOf(state.index).update?.({ ...call, state: state.link }) ?? {
          params: call.after,
          state: state.link,
        };
        const before = state.before && { before: mapTree(call.before, tf.clone) };
        return { params: next.params, state: { ...state, link: next.state, ...before } as Snapshot };
      },
      async advance(context, adapter, clock) {
        const state = stateOf(adapter.state);
        const last = state.index === steps.length - 1 && !is('a knot after the last link too');
        const late = is('knots one step late') ? 1 : 0;
        if (last || clock.step - state.start !== lengthOf(state.index) + late) return { ...adapter, effects: [] };
        const link = linkOf(state.index);
        const finished = { params: state.before ?? adapter.params, state: state.link };
        const weightOf = is('next link initialised from the un-merged base')
          ? context.weightOf
          : (target: (typeof context.targets)[number]) => link.merge(finished, target, context.weightOf(target));
        const index = Math.min(state.index + 1, steps.length - 1);
        const fresh = tf.tidy(() => begin({ ...context, weightOf }, index));
        const before = state.before && { before: mapTree(fresh.params, tf.clone) };
        const keepsState = is('inner state not renewed');
        if (keepsState) tf.dispose(tensorsOf(fresh.state) as tf.Tensor[]);
        const merge = {
          kind: 'merge',
          targets: context.targets,
          adapter: finished,
          strategy: link,
          source: String(state.index),
        } as const;
        const everything = restart === 'all' && !is("the head keeps its moments under restart: 'all'");
        const forget = { kind: 'restart', targets: everything ? 'all' : context.targets } as const;
        return {
          params: fresh.params,
          state: { link: keepsState ? state.link : fresh.state, index, start: clock.step, ...before } as Snapshot,
          effects: [
            ...(is('no merge at the knot') ? [] : [merge]),
            ...(is('no restart of the moments') ? [] : [forget]),
          ],
        };
      },
      lifeOf(state, clock, target) {
        if (is('no restart of the schedule') || (!target && restart !== 'all')) return clock;
        return clockOf(stateOf(state), clock);
      },
      part: (key) => linkOf(Number(key)),
    };
  };

/** A link whose every freedom shows: it begins from the weight, keeps a tensor in its state and follows its clock. */
function tellingLink(rank: number): AnyStrategy {
  const toy = toyStrategy({ rank });
  return {
    ...(toy as AnyStrategy),
    init(context) {
      const { params } = toy.init(context);
      const drawn = context.targets.map((target) => {
        const { zeroFactor } = layerKindOf(target);
        const { a, b } = params[target.path] as ToyParams[string];
        const strength = tf.add(1, tf.mean(tf.abs(context.weightOf(target))));
        return [target.path, zeroFactor === 'a' ? { a, b: tf.mul(b, strength) } : { a: tf.mul(a, strength), b }];
      });
      return { params: Object.fromEntries(drawn), state: { average: tf.scalar(0) } };
    },
    inputs: (_state, { step, totalSteps }) => ({ decay: step / totalSteps / 100 }),
    update({ after, grads, state, inputs }) {
      const norms = tensorsOf(grads).map((grad) => tf.mean(tf.abs(grad)));
      const average = tf.add(tf.mul(state.average as tf.Tensor, 0.5), tf.addN(norms));
      const keep = tf.sub(tf.sub(1, inputs.decay as tf.Tensor), tf.mul(average, 1e-3));
      return { params: mapTree(after, (leaf) => tf.mul(leaf, keep)), state: { average } };
    },
  };
}

const links = () => tellingLink(2);
const unequalLinks = (index: number) => tellingLink([2, 3, 1][index] as number);

const law10 = 'law 10: a chain of one link is the link, step for step';
const law11 = 'law 11: a chain is its links run one after another, bit for bit';
const law11WithHead = "law 11 with head and biases, under restart: 'all'";

const mistakes: readonly { readonly mistake: Mistake; readonly law: string; readonly says: RegExp }[] = [
  { mistake: 'no merge at the knot', law: law11, says: /^link 1, step 1: adapter\// },
  { mistake: 'no restart of the moments', law: law11, says: /^link 1, step 1: (slots|adapter)\// },
  { mistake: 'no restart of the schedule', law: law11, says: /^link 0, step 2: adapter\// },
  { mistake: 'inner state not renewed', law: law11, says: /^link 1, step 1: adapter\// },
  { mistake: 'merging the adapter from before the last update', law: law11, says: /^link 1, step 1: adapter\// },
  { mistake: 'knots one step late', law: law11, says: /^link 1, step 1:/ },
  { mistake: 'a knot after the last link too', law: law10, says: /^step 6: adapter\// },
  { mistake: 'next link initialised from the un-merged base', law: law11, says: /^link 1, step 1: adapter\// },
  { mistake: 'every link has the seed of the first', law: law11, says: /^link 1, step 1: adapter\// },
  { mistake: "the link follows the run's clock", law: law11, says: /^link 0, step 1: adapter\// },
  {
    mistake: "the head keeps its moments under restart: 'all'",
    law: law11WithHead,
    says: /^link 1, step 1: slots\/trained\//,
  },
];

describe('chain laws', () => {
  it.each(mistakes)('$mistake falls to $law', async ({ mistake, law: lawName, says }) => {
    await tf.setBackend('cpu');
    const law = chainLaws(chainWith(mistake), links).find(({ name }) => name === lawName);
    await expect(law?.check()).rejects.toThrow(says);
  });

  it('a sound chain keeps them, also over unequal links', async () => {
    for (const law of chainLaws(chainWith(), links)) await law.check();
    for (const law of chainLaws(chainWith(), unequalLinks)) await law.check();
  });
});
