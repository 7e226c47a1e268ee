import {
  type AnyModel,
  type AnyStrategy,
  baseFacts,
  type Snapshot,
  type Target,
  type TrainedAdapter,
  type Tree,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { joinedBias } from './joinedBias.ts';
import { joinedFileConfig } from './joinedFileConfig.ts';
import { mergedWeight } from './mergedWeight.ts';
import type { PreparedAdapter } from './prepareAdapter.ts';
import { type SumState, sumOf } from './sumOf.ts';
import { sumRows } from './sumRows.ts';

/** A prepared adapter and how much of its change counts. */
export type Weighted = { readonly prepared: PreparedAdapter; readonly weight: number };

/**
 * Adapters times their weights as one adapter of the base. The tensors of `adapter.state.weights`, `trained` and
 * `tokenRows` are made for it; the others stay those of its parts.
 */
export function weightedSum(model: AnyModel, parts: readonly Weighted[]): TrainedAdapter {
  const adapted = new Set(parts.flatMap(({ prepared }) => prepared.trained.targets.map(({ path }) => path)));
  const union = model.targets.filter(({ path }) => adapted.has(path));
  const whole = wholePaths(parts);
  const adapters = parts.map(({ prepared }) => prepared.trained);
  const bias = joinedBias(adapters);
  const isTrainedBias = (path: string) =>
    path.endsWith('.bias') && (bias === 'all' || (bias === 'adapted' && adapted.has(path.slice(0, -'.bias'.length))));
  const trainedPaths = model.weights.paths.filter((path) => whole.has(path) || isTrainedBias(path));
  return {
    ...baseFacts(model),
    ...sumAt(parts),
    targets: union.filter(({ path }) => !whole.has(`${path}.weight`)),
    trained: Object.fromEntries(trainedPaths.map((path) => [path, sumWhole(model, parts, path)])),
    tokenRows: sumRows(model, parts, whole),
    modulesToSave: [...new Set(parts.flatMap(({ prepared }) => prepared.trained.modulesToSave))],
    bias,
    fileConfig: joinedFileConfig(adapters),
    finished: [],
  };
}

/**
 * The parameters that a sum holds whole: those that a part trains whole, and the tables and tied heads of trained rows
 * that are trained whole or changed by more than a low-rank pair by another.
 */
function wholePaths(parts: readonly Weighted[]): ReadonlySet<string> {
  const all = parts.map(({ prepared }) => prepared);
  const whole = new Set(all.flatMap(({ trained }) => Object.keys(trained.trained)));
  const reshaped = new Set(
    all.flatMap(({ strategy, trained }) =>
      strategy.factors ? [] : trained.targets.map(({ path }) => `${path}.weight`),
    ),
  );
  for (const { trained } of all) {
    for (const [table, { heads }] of Object.entries(trained.tokenRows)) {
      const group = [table, ...heads].map((path) => `${path}.weight`);
      if (group.some((path) => whole.has(path) || reshaped.has(path))) for (const path of group) whole.add(path);
    }
  }
  return whole;
}

function sumAt(parts: readonly Weighted[]): Pick<TrainedAdapter, 'strategy' | 'adapter'> {
  const byPart = <T>(value: (part: Weighted) => T) =>
    Object.fromEntries(parts.map((part, index) => [String(index), value(part)]));
  const strategy = sumOf(
    parts.map(({ prepared }) => ({
      strategy: prepared.strategy,
      paths: prepared.trained.targets.map(({ path }) => path),
    })),
  );
  const state: SumState = {
    weights: byPart(({ weight }) => tf.scalar(weight)),
    parts: byPart(({ prepared }) => prepared.adapter.state),
    bases: byPart(({ prepared }) => prepared.bases as Snapshot),
  };
  return {
    strategy: strategy as AnyStrategy,
    adapter: { params: byPart(({ prepared }) => prepared.adapter.params) as Tree, state: state as unknown as Snapshot },
  };
}

/** W + the sum of weight times (merged_i - W): the trained tensor itself where it stands alone with weight 1. */
function sumWhole(model: AnyModel, parts: readonly Weighted[], path: string): tf.Tensor {
  return tf.tidy(() => {
    const base = model.weights.tensor(path);
    const target: Target | undefined = model.targets.find((each) => `${each.path}.weight` === path);
    const terms = parts.flatMap(({ prepared, weight }) => {
      const merged = mergedWeight(prepared, { path, target, base });
      return merged === base ? [] : [{ merged, weight }];
    });
    const [only, ...more] = terms;
    if (!only || (more.length === 0 && only.weight === 1)) return tf.clone(only?.merged ?? base);
    const rest = 1 - terms.reduce((total, { weight }) => total + weight, 0);
    return tf.addN([tf.mul(base, rest), ...terms.map(({ merged, weight }) => tf.mul(merged, weight))]);
  });
}
