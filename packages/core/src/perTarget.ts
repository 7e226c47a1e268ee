import { fold, PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { type Effect, effectsOfPart } from './effect.ts';
import type { Adapter, AnyStrategy, Context, Step, Strategy } from './strategy.ts';
import type { Target } from './target.ts';
import { targetMatcher } from './targets/targetMatcher.ts';
import type { TargetSelection } from './targets/targetSelection.ts';
import type { Snapshot, Tree } from './tree.ts';

/** Targets that share a strategy. */
export type Route = { readonly targets: TargetSelection; readonly strategy: AnyStrategy };

/** Data of the routes by their position. */
type ByRoute<T> = { readonly [route: string]: T };

/** Sends every target to exactly one strategy; a target with no route or with two is refused. */
export function perTarget(routes: readonly Route[]): Strategy<ByRoute<Tree>, ByRoute<Snapshot>> {
  if (routes.length === 0)
    throw new PeftError('strategy/no-routes', 'perTarget: no routes were given; pass at least one.');
  const keys = routes.map((_, index) => String(index));
  const matchers = routes.map(({ targets }) => targetMatcher({ targets }));
  const at = (key: string) => (routes[Number(key)] as Route).strategy;
  const routesOf = new Map<string, readonly string[]>();
  const keysOf = (target: Target) => {
    const known = routesOf.get(target.path) ?? keys.filter((key) => matchers[Number(key)]?.(target));
    routesOf.set(target.path, known);
    return known;
  };
  const keyOf = (target: Target) => {
    const [key, ...more] = keysOf(target);
    if (key === undefined || more.length > 0) throw unrouted([target], keysOf);
    return key;
  };
  const adapterOf = ({ params, state }: Adapter<ByRoute<Tree>, ByRoute<Snapshot>>, key: string): Adapter => ({
    params: params[key] ?? {},
    state: state[key] ?? {},
  });
  const contextOf = (context: Context, key: string): Context => ({
    ...context,
    seed: fold(context.seed, Number(key)),
    targets: context.targets.filter((target) => keyOf(target) === key),
  });
  const byKey = <T>(value: (key: string) => T): ByRoute<T> => Object.fromEntries(keys.map((key) => [key, value(key)]));

  return {
    name: `perTarget(${routes.map(({ strategy }) => strategy.name).join(', ')})`,
    options: { targets: routes.map(({ targets }) => targets) },
    init(context) {
      const wrong = context.targets.filter((target) => keysOf(target).length !== 1);
      if (wrong.length > 0) throw unrouted(wrong, keysOf);
      const adapters = byKey((key) => at(key).init(contextOf(context, key)));
      return { params: byKey((key) => adapters[key]?.params ?? {}), state: byKey((key) => adapters[key]?.state ?? {}) };
    },
    forward: (adapter, target, call) => at(keyOf(target)).forward(adapterOf(adapter, keyOf(target)), target, call),
    merge: (adapter, target, weight) => at(keyOf(target)).merge(adapterOf(adapter, keyOf(target)), target, weight),
    ...(routes.every(({ strategy }) => strategy.factors) && {
      factors: (adapter, target) => at(keyOf(target)).factors?.(adapterOf(adapter, keyOf(target)), target),
    }),
    ...(routes.some(({ strategy }) => strategy.penalty) && {
      penalty: (adapter) =>
        tf.addN(keys.flatMap((key) => at(key).penalty?.(adapterOf(adapter, key)) ?? [])) as tf.Scalar,
    }),
    inputs: (state, clock) =>
      Object.assign({}, ...keys.map((key) => prefix(key, at(key).inputs?.(state[key] ?? {}, clock) ?? {}))),
    update(call) {
      const updated = byKey((key) => {
        const after = call.after[key] ?? {};
        const state = call.state[key] ?? {};
        const inputs = strip(key, call.inputs);
        const part = { before: call.before[key] ?? {}, after, grads: call.grads[key] ?? {}, state, inputs };
        return at(key).update?.(part) ?? { params: after, state };
      });
      return { params: byKey((key) => updated[key]?.params ?? {}), state: byKey((key) => updated[key]?.state ?? {}) };
    },
    advance(context, adapter, clock) {
      const due = keys.map(
        (key) => [key, at(key).advance?.(contextOf(context, key), adapterOf(adapter, key), clock)] as const,
      );
      const targetsOf = (key: string) => contextOf(context, key).targets;
      return due.some(([, step]) => step) ? settle(adapter, due, targetsOf) : undefined;
    },
    lifeOf(state, clock, target) {
      if (!target) return clock;
      const key = keyOf(target);
      return at(key).lifeOf?.(state[key] ?? {}, clock, target) ?? clock;
    },
    isSettled: (state, clock) => keys.every((key) => at(key).isSettled?.(state[key] ?? {}, clock) ?? true),
    part: (key) => routes[Number(key)]?.strategy,
  };
}

async function settle(
  adapter: Adapter<ByRoute<Tree>, ByRoute<Snapshot>>,
  due: readonly (readonly [key: string, step: Promise<Step> | undefined])[],
  targetsOf: (key: string) => readonly Target[],
): Promise<Step<ByRoute<Tree>, ByRoute<Snapshot>>> {
  const params: Record<string, Tree> = { ...adapter.params };
  const state: Record<string, Snapshot> = { ...adapter.state };
  const effects = [];
  for (const [key, pending] of due) {
    if (!pending) continue;
    const step = await pending;
    params[key] = step.params;
    state[key] = step.state;
    const inner = step.effects.map((effect) => withinRoute(effect, targetsOf(key)));
    effects.push(...effectsOfPart(inner, key, `${key}/`));
  }
  return { params, state, effects };
}

/** All that a route can restart is its own targets: the rest belongs to its neighbours or to none. */
function withinRoute(effect: Effect, targets: readonly Target[]): Effect {
  return effect.kind === 'restart' && effect.targets === 'all' ? { kind: 'restart', targets } : effect;
}

function unrouted(targets: readonly Target[], routesOf: (target: Target) => readonly string[]): PeftError {
  const lines = targets.map((target) => `${target.path} (${routesOf(target).length} routes)`);
  return new PeftError(
    'strategy/routes',
    `perTarget: every target needs exactly one route, but ${targets.length} have none or several: ${lines.join(', ')}. Add a route or narrow the selections.`,
  );
}

function prefix(key: string, inputs: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`${key}/${name}`, value]));
}

function strip<T>(key: string, inputs: Readonly<Record<string, T>>): Record<string, T> {
  const inside = Object.entries(inputs).filter(([name]) => name.startsWith(`${key}/`));
  return Object.fromEntries(inside.map(([name, value]) => [name.slice(key.length + 1), value]));
}
