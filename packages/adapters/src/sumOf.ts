import {
  type Adapter,
  type AnyStrategy,
  type Context,
  fold,
  type LinearCall,
  layerKindOf,
  PeftError,
  type Snapshot,
  type Strategy,
  type Target,
  type Tree,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';

/** One term of a sum. */
export type SumPart = {
  readonly strategy: AnyStrategy;
  /** Paths of the targets that it adapts; all when left out. */
  readonly paths?: readonly string[];
  /** Weight of a fresh adapter; 1 when left out. */
  readonly weight?: number;
};

/** Data of the parts by their position. */
export type ByPart<T> = { readonly [part: string]: T };

export type SumState = {
  /** 0-d, so that a compiled program takes other weights as it is. */
  readonly weights: ByPart<tf.Tensor>;
  readonly parts: ByPart<Snapshot>;
  /** By target path, the weights that a part changes in place of the frozen ones: those after a chain's knots. */
  readonly bases: ByPart<Snapshot>;
};

/**
 * Several strategies on the same targets, as one: each changes the frozen weight W by its own delta_i = merge_i(W) - W,
 * and the sum by the deltas times their weights. A target that a part does not adapt is left alone by it.
 * @throws PeftError `sum/untrainable` when a run begins on parts that change their own state as they train
 */
export function sumOf(parts: readonly SumPart[]): Strategy<ByPart<Tree>, SumState> {
  type Sum = Adapter<ByPart<Tree>, SumState>;
  const keys = parts.map((_, index) => String(index));
  const paths = parts.map((part) => part.paths && new Set(part.paths));
  const strategyOf = (key: string) => (parts[Number(key)] as SumPart).strategy;
  const keysAt = ({ path }: Target) => keys.filter((key) => paths[Number(key)]?.has(path) ?? true);
  const isAdditive = (key: string) => strategyOf(key).factors !== undefined;
  const partOf = ({ params, state }: Sum, key: string): Adapter => ({
    params: params[key] ?? {},
    state: state.parts?.[key] ?? {},
  });
  const baseOf = ({ state }: Sum, key: string, { path }: Target) => {
    const bases = state.bases?.[key] ?? {};
    return Object.hasOwn(bases, path) ? (bases[path] as tf.Tensor) : undefined;
  };
  const weightOf = ({ state }: Sum, key: string) => state.weights[key] as tf.Tensor;
  const pairsAt = (sum: Sum, target: Target) =>
    keysAt(target).flatMap((key) => {
      const pair = strategyOf(key).factors?.(partOf(sum, key), target);
      return pair ? [{ ...pair, weight: weightOf(sum, key) }] : [];
    });
  /** `original` with the parts that are not additive blended in, so that one alone, of weight 1, is met to the bit. */
  const blend = (sum: Sum, target: Target, { original, changed }: Blend) => {
    const terms = keysAt(target).filter((key) => !isAdditive(key));
    if (terms.length === 0) return original;
    const rest = tf.sub(1, tf.addN(terms.map((key) => weightOf(sum, key))));
    return tf.addN([tf.mul(original, rest), ...terms.map((key) => tf.mul(changed(key), weightOf(sum, key)))]);
  };

  return {
    name: `sumOf(${parts.map(({ strategy }) => strategy.name).join(', ')})`,
    init(context) {
      refuseUntrainable(parts);
      const fresh = keys.map((key) => strategyOf(key).init(contextOf(context, key, (target) => keysAt(target))));
      const byPart = <T>(value: (index: number) => T): ByPart<T> =>
        Object.fromEntries(keys.map((key, index) => [key, value(index)]));
      return {
        params: byPart((index) => fresh[index]?.params ?? {}),
        state: {
          weights: byPart((index) => tf.scalar(parts[index]?.weight ?? 1)),
          parts: byPart((index) => fresh[index]?.state ?? {}),
          bases: {},
        },
      };
    },
    forward(sum, target, call) {
      const kind = layerKindOf(target);
      const blended = blend(sum, target, {
        original: call.output,
        changed: (key) =>
          strategyOf(key).forward(partOf(sum, key), target, callOn(baseOf(sum, key, target), target, call)),
      });
      if (call.training) {
        // Dropout and whatever else a method does while it trains is in its forward alone.
        return keysAt(target)
          .filter(isAdditive)
          .reduce<tf.Tensor>((output, key) => {
            const onNothing = callWith(call, { output: tf.zerosLike(call.output) });
            const change = strategyOf(key).forward(partOf(sum, key), target, onNothing);
            return tf.add(output, tf.mul(change, weightOf(sum, key)));
          }, blended);
      }
      return pairsAt(sum, target).reduce<tf.Tensor>(
        (output, { a, b, weight }) => tf.add(output, kind.up(tf.mul(kind.down(call.input, a), weight), b)),
        blended,
      );
    },
    merge(sum, target, weight) {
      const blended = blend(sum, target, {
        original: weight,
        changed: (key) => strategyOf(key).merge(partOf(sum, key), target, baseOf(sum, key, target) ?? weight),
      });
      return pairsAt(sum, target).reduce<tf.Tensor>(
        (merged, pair) => tf.add(merged, tf.mul(layerKindOf(target).delta(pair.a, pair.b), pair.weight)),
        blended,
      );
    },
    ...(keys.every(isAdditive) && {
      factors(sum, target) {
        const pairs = pairsAt(sum, target);
        if (pairs.length === 0) return undefined;
        const a = tf.concat(
          pairs.map((pair) => pair.a),
          -1,
        );
        return {
          a,
          b: tf.concat(
            pairs.map((pair) => tf.mul(pair.b, pair.weight)),
            0,
          ),
        };
      },
    }),
    ...(parts.some(({ strategy }) => strategy.penalty) && {
      penalty: (sum) => tf.addN(keys.flatMap((key) => strategyOf(key).penalty?.(partOf(sum, key)) ?? [])) as tf.Scalar,
    }),
  };
}

type Blend = { readonly original: tf.Tensor; changed(key: string): tf.Tensor };

function contextOf(context: Context, key: string, keysAt: (target: Target) => readonly string[]): Context {
  return {
    ...context,
    seed: fold(context.seed, Number(key)),
    targets: context.targets.filter((target) => keysAt(target).includes(key)),
  };
}

function callOn(base: tf.Tensor | undefined, target: Target, call: LinearCall): LinearCall {
  return base ? callWith(call, { weight: base, output: layerKindOf(target).apply(call.input, base) }) : call;
}

function callWith(call: LinearCall, changed: Partial<Pick<LinearCall, 'weight' | 'output'>>): LinearCall {
  // Getters stay ones: what a method does not ask for is not made.
  return {
    input: call.input,
    output: changed.output ?? call.output,
    training: call.training,
    get weight() {
      return changed.weight ?? call.weight;
    },
    get dropoutKey() {
      return call.dropoutKey;
    },
  };
}

function refuseUntrainable(parts: readonly SumPart[]): void {
  const changing = parts.filter(({ strategy }) => strategy.update ?? strategy.advance ?? strategy.inputs);
  if (changing.length === 0) return;
  const names = [...new Set(changing.map(({ strategy }) => `"${strategy.name}"`))].join(', ');
  throw new PeftError(
    'sum/untrainable',
    `sumOf: ${names} changes its own state as it trains, which a sum does not pass on; train its adapter alone, and add the trained adapters up.`,
  );
}
