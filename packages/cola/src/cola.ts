import {
  type Adapter,
  type AnyStrategy,
  type Clock,
  type Context,
  effectsOfPart,
  fold,
  PeftError,
  type Snapshot,
  type Step,
  type Strategy,
  type Tree,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { type ColaOptions, checkOptions } from './colaOptions.ts';
import { linkLengths } from './linkLengths.ts';
import { refuseChangingLink } from './refuseChangingLink.ts';
import { weightAfter } from './weightAfter.ts';

/** The link under way: its own state, its index, and the step of the chain's life at which it began. */
export type ColaState<S extends Snapshot = Snapshot> = {
  readonly link: S;
  readonly index: number;
  readonly start: number;
};

/**
 * Chain of LoRA (Xia et al. 2024, arXiv 2401.04151) over any strategy: a link is trained, merged into the run's
 * weights at a knot, and followed by a fresh one. There is no knot after the last link.
 * @param link the strategy of every link, or of the link with this index (ranks that step down, say)
 * @throws PeftError `chain/options` here; `chain/too-short`, `chain/steps` and `chain/link-changes` at the first step
 */
export function cola<P extends Tree, S extends Snapshot>(
  link: Strategy<P, S> | ((index: number) => Strategy<P, S>),
  options: ColaOptions,
): Strategy<P, ColaState<S>>;
/** A chain whose links differ in method. */
export function cola(link: (index: number) => AnyStrategy, options: ColaOptions): Strategy<Tree, ColaState>;
export function cola<P extends Tree, S extends Snapshot>(
  link: Strategy<P, S> | ((index: number) => Strategy<P, S>),
  options: ColaOptions,
): Strategy<P, ColaState<S>> {
  const { count, restart, schedule } = checkOptions(options);
  const links = linksOf(link, count);
  const at = (index: number) => links[index] as Strategy<P, S>;
  const current = (state: ColaState<S>) => at(state.index);
  // A save holds leaves, so a link without state comes back without its empty record.
  const linkState = ({ link: state }: ColaState<S>) => state ?? ({} as S);
  const lengthOf = (totalSteps: number, index: number) => linkLengths(totalSteps, options)[index] as number;

  const linkClock = ({ index, start }: ColaState<S>, clock: Clock): Clock => ({
    step: clock.step - start,
    totalSteps: lengthOf(clock.totalSteps, index),
  });
  const linkContext = (context: Context, index: number): Context => ({
    ...context,
    seed: index === 0 ? context.seed : fold(context.seed, index),
    totalSteps: lengthOf(context.totalSteps, index),
  });
  const begin = (context: Context, index: number): Adapter<P, S> => {
    const fresh = at(index).init(linkContext(context, index));
    refuseChangingLink(at(index) as AnyStrategy, fresh, context);
    return fresh;
  };

  const tieKnot = async (
    context: Context,
    step: number,
    { index, finished }: { index: number; finished: Step<P, S> },
  ) => {
    const { params, effects: inner } = finished;
    const merge = {
      kind: 'merge',
      targets: context.targets,
      adapter: { params, state: finished.state },
      strategy: at(index) as AnyStrategy,
      source: String(index),
    } as const;
    const merged = [...effectsOfPart(inner, String(index)), merge];
    const weightOf = (await context.weightAfter?.(merged)) ?? weightAfter(merged, context.weightOf);
    const fresh = tf.tidy(() => begin({ ...context, weightOf }, index + 1));
    const targets = restart === 'all' ? 'all' : context.targets;
    return {
      params: fresh.params,
      state: { link: fresh.state, index: index + 1, start: step },
      effects: restart === 'none' ? merged : [...merged, { kind: 'restart', targets } as const],
    };
  };

  return {
    name: nameOf(links, options),
    options: { restart, schedule },
    init(context) {
      const fresh = begin(context, 0);
      return { params: fresh.params, state: { link: fresh.state, index: 0, start: 0 } };
    },
    forward: ({ params, state }, target, call) =>
      current(state).forward({ params, state: linkState(state) }, target, call),
    merge: ({ params, state }, target, weight) =>
      current(state).merge({ params, state: linkState(state) }, target, weight),
    ...(links.every(({ factors }) => factors) && {
      factors: ({ params, state }, target) => current(state).factors?.({ params, state: linkState(state) }, target),
    }),
    ...(links.some(({ penalty }) => penalty) && {
      penalty: ({ params, state }) => current(state).penalty?.({ params, state: linkState(state) }) ?? tf.scalar(0),
    }),
    inputs: (state, clock) => current(state).inputs?.(linkState(state), linkClock(state, clock)) ?? {},
    update(call) {
      const { state, after } = call;
      const updated = current(state).update?.({ ...call, state: linkState(state) }) ?? {
        params: after,
        state: linkState(state),
      };
      return { params: updated.params, state: { ...state, link: updated.state } };
    },
    advance(context, { params, state }, clock) {
      const ownClock = linkClock(state, clock);
      const isKnot = ownClock.step === ownClock.totalSteps && state.index < count - 1;
      const inner = current(state).advance?.(
        linkContext(context, state.index),
        { params, state: linkState(state) },
        ownClock,
      );
      if (!inner && !isKnot) return undefined;
      return (async () => {
        const step = (await inner) ?? { params, state: linkState(state), effects: [] };
        if (isKnot) return tieKnot(context, clock.step, { index: state.index, finished: step });
        const effects = effectsOfPart(step.effects, String(state.index));
        return { params: step.params, state: { ...state, link: step.state }, effects };
      })();
    },
    lifeOf(state, clock, target) {
      if (schedule === 'continue' || (target === undefined && restart !== 'all')) return clock;
      const life = linkClock(state, clock);
      return current(state).lifeOf?.(linkState(state), life, target) ?? life;
    },
    isSettled: (state, clock) => current(state).isSettled?.(linkState(state), linkClock(state, clock)) ?? true,
    part: (key) => links[Number(key)] as AnyStrategy | undefined,
  };
}

function linksOf<P extends Tree, S extends Snapshot>(
  link: Strategy<P, S> | ((index: number) => Strategy<P, S>),
  count: number,
): readonly Strategy<P, S>[] {
  return Array.from({ length: count }, (_, index) => {
    const strategy = typeof link === 'function' ? link(index) : link;
    if (typeof strategy?.init === 'function') return strategy;
    throw new PeftError(
      'chain/options',
      `cola: link ${index} is ${strategy}, which is no strategy; pass a strategy, or a function from the index of a link to one.`,
    );
  });
}

// A run resumes only under the name it was saved by, and a chain cut otherwise is another chain.
function nameOf(links: readonly { readonly name: string }[], { steps }: ColaOptions): string {
  const names = [...new Set(links.map(({ name }) => name))].join(', ');
  return `cola(${names}; ${steps ? `steps ${steps.join(', ')}` : `${links.length} links`})`;
}
