import {
  type Adapter,
  type Clock,
  type Context,
  type FileFormat,
  fold,
  layerKindOf,
  type Strategy,
  type Target,
  type UpdateCall,
} from '@peft/core';
import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { type AdaLoraOptions, type AdaLoraSettings, settleOptions } from './adaloraOptions.ts';
import { type AdaLoraState, type ByTarget, isSearching, type SearchState, type Triplets } from './adaloraState.ts';
import { compact } from './compact.ts';
import { adaloraShapes, decodeAdalora } from './decodeAdalora.ts';
import { encodeAdalora } from './encodeAdalora.ts';
import { averageImportance, noImportance, tripletScores } from './importance.ts';
import { phasesOf } from './phases.ts';
import { budgetsOf, requireNextStep, stepInputs } from './stepInputs.ts';

type AdaLoraAdapter = Adapter<ByTarget<Triplets>, AdaLoraState>;

export interface AdaLoraStrategy extends Strategy<ByTarget<Triplets>, AdaLoraState> {
  readonly options: AdaLoraSettings;
}

/**
 * Adaptation of the weights by triplets, of which a falling budget keeps the most important over all targets together
 * (AdaLoRA, Zhang et al. 2023, arXiv 2303.10512). The change of a weight [in, out] is
 * alpha / initRank * a [in, r] diag(lambda [r]) b [r, out].
 * @throws PeftError `adalora/options` here, `adalora/span` and `adalora/budget` when a run begins, `adalora/step` for a
 * skipped or repeated step.
 */
export function adalora(options: AdaLoraOptions = {}): AdaLoraStrategy {
  const settings = settleOptions(options);
  const { orthogonality, penalty } = settings;
  return {
    name: 'adalora',
    options: settings,
    fileFormat: adaloraFileFormat,
    init: (context) => freshAdapter(settings, context),
    forward(adapter, target, call) {
      const triplets = scaledTriplets(settings, adapter, target);
      if (!triplets) return call.output;
      const kind = layerKindOf(target);
      const isDropping = call.training && settings.dropout > 0;
      const input = isDropping ? kind.dropout(call.input, settings.dropout, call.dropoutKey) : call.input;
      // Lambda scales b, whose size no batch changes, and not the hidden numbers of every token.
      const scaled = tf.mul(triplets.b, tf.reshape(triplets.lambda, [-1, 1]));
      return tf.add(call.output, kind.up(kind.down(input, triplets.a), scaled));
    },
    merge(adapter, target, weight) {
      const pair = factorsOf(settings, adapter, target);
      return pair ? tf.add(weight, layerKindOf(target).delta(pair.a, pair.b)) : tf.clone(weight);
    },
    factors: (adapter, target) => factorsOf(settings, adapter, target),
    ...(orthogonality > 0 && {
      penalty(adapter: AdaLoraAdapter) {
        const factors = Object.entries(adapter.params).map(([path, triplets]) => ({
          ...triplets,
          live: hiddenMask(settings, adapter, path),
        }));
        return factors.length > 0 ? (tf.mul(penalty(factors), orthogonality) as tf.Scalar) : tf.scalar(0);
      },
    }),
    inputs: (state, clock) => stepInputs(settings, state, clock),
    update: (call) => (isSearching(call.state) ? search(settings, call, call.state) : holdRanks(call)),
    advance: (_, adapter, clock) => passStep(settings, adapter, clock),
    isSettled({ mask }, clock) {
      const { initialBudget, targetBudget } = budgetsOf(settings, Object.keys(mask).length);
      return initialBudget === targetBudget || clock.step >= phasesOf(settings, clock.totalSteps).lastPruning;
    },
  };
}

/**
 * Adapters of `adalora` as Python PEFT's AdaLoRA files. What has been decoded serves; the averages that a run would need
 * to search on are not in such files.
 */
export const adaloraFileFormat: FileFormat = {
  peftType: 'ADALORA',
  shapes: adaloraShapes,
  encode: encodeAdalora,
  decode(file, targets) {
    const { options, params, state } = decodeAdalora(file, targets);
    return { strategy: adalora(options), params, state };
  },
};

function freshAdapter(settings: AdaLoraSettings, { targets, seed, totalSteps }: Context): AdaLoraAdapter {
  const { initRank } = settings;
  budgetsOf(settings, targets.length);
  phasesOf(settings, totalSteps);
  const paths = targets
    .map((target) => [target.path, target] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  const params = Object.fromEntries(
    paths.map(([path, target]) => {
      const shapes = layerKindOf(target).factorShapes(target, initRank);
      const draw = (name: string, shape: readonly number[]) =>
        tf.tidy(() => tf.mul(tf.tensor(normals(fold(fold(seed, path), name), sizeOf(shape)), [...shape]), 0.02));
      return [path, { a: draw('a', shapes.a), lambda: tf.zeros([initRank]), b: draw('b', shapes.b) }];
    }),
  );
  const mask = Object.fromEntries(paths.map(([path]) => [path, tf.ones([initRank])]));
  return { params, state: { step: 0, totalSteps, mask, averages: noImportance(params) } };
}

function search(settings: AdaLoraSettings, call: UpdateCall<ByTarget<Triplets>, AdaLoraState>, state: SearchState) {
  const { before, after, grads } = call;
  const { budget, prune, sensitivityRate, uncertaintyRate } = call.inputs as Record<
    'budget' | 'prune' | 'sensitivityRate' | 'uncertaintyRate',
    tf.Scalar
  >;
  if (Object.keys(after).length === 0) return { params: after, state };
  const averages = averageImportance({
    params: settings.scoring === 'after' ? after : before,
    grads,
    averages: state.averages,
    sensitivityRate,
    uncertaintyRate,
  });
  const elected = settings.allocator.allocate({ scores: tripletScores(averages), params: after, budget });
  const isFree = tf.sub(1, prune);
  // 1 for the elected and, in a step that does not prune, for all.
  const isKept = mapTargets(elected, (chosen) => tf.maximum(chosen, isFree));
  const mask = mapTargets(state.mask, (old, path) => tf.minimum(tf.maximum(old, prune), isKept[path] as tf.Tensor));
  const params = mapTargets(after, ({ a, lambda, b }, path) => ({
    a,
    lambda: tf.mul(lambda, isKept[path] as tf.Tensor),
    b,
  }));
  return { params, state: { ...state, mask, averages } };
}

/** The optimizer's momentum moves dead triplets; they go back to zero. Compacted targets have none. */
function holdRanks({ after, state }: UpdateCall<ByTarget<Triplets>, AdaLoraState>) {
  const params = mapTargets(after, (triplets, path) => {
    const mask = state.mask[path] as tf.Tensor;
    const { lambda } = triplets;
    return lambda.size === mask.size ? { ...triplets, lambda: tf.mul(lambda, mask) } : triplets;
  });
  return { params, state };
}

async function passStep(settings: AdaLoraSettings, { params, state }: AdaLoraAdapter, clock: Clock) {
  requireNextStep(state, clock);
  if (!isSearching(state) || clock.step !== phasesOf(settings, clock.totalSteps).lastPruning) {
    return { params, state: { ...state, step: clock.step }, effects: [] };
  }
  const { totalSteps, mask } = state;
  const final = { step: clock.step, totalSteps, mask };
  // A new record, although its leaves stay: the state loses its averages, so the host has to compile again.
  if (!settings.compact) return { params: { ...params }, state: final, effects: [] };
  return compact({ params, state: final });
}

/** a.b is the change of the weight. */
function factorsOf(settings: AdaLoraSettings, adapter: AdaLoraAdapter, target: Target) {
  const triplets = scaledTriplets(settings, adapter, target);
  return triplets && { a: tf.mul(triplets.a, triplets.lambda), b: triplets.b };
}

/** The target's triplets with scale and mask in lambda; undefined at rank 0. */
function scaledTriplets(settings: AdaLoraSettings, adapter: AdaLoraAdapter, { path }: Target): Triplets | undefined {
  const triplets = Object.hasOwn(adapter.params, path) ? adapter.params[path] : undefined;
  if (!triplets) return undefined;
  const mask = hiddenMask(settings, adapter, path);
  const lambda = mask ? tf.mul(triplets.lambda, mask) : triplets.lambda;
  return settings.scaling === 1 ? { ...triplets, lambda } : { ...triplets, lambda: tf.mul(lambda, settings.scaling) };
}

/** The mask of a target whose dead triplets must not be seen, so that the run equals a compacted one. */
function hiddenMask({ areDeadHidden }: AdaLoraSettings, { params, state }: AdaLoraAdapter, path: string) {
  const mask = state.mask[path];
  return areDeadHidden && !isSearching(state) && params[path]?.lambda.size === mask?.size ? mask : undefined;
}

function mapTargets<T, U>(tree: ByTarget<T>, map: (value: T, path: string) => U): ByTarget<U> {
  return Object.fromEntries(Object.entries(tree).map(([path, value]) => [path, map(value, path)]));
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}
