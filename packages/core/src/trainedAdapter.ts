import { PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { adaptedAt } from './adaptedAt.ts';
import { partOf } from './effect.ts';
import type { Engine } from './engine.ts';
import { type FinishedLink, replayLinks, uploadLink } from './finishedLink.ts';
import { fromTensor } from './hostArray.ts';
import { mergeInto } from './mergeInto.ts';
import type { AnyModel, TensorBatch } from './model.ts';
import { requireAdapter, requireTrained } from './requireTrained.ts';
import type { AnyAdapter, AnyStrategy } from './strategy.ts';
import type { Target } from './target.ts';
import { rowTensors, type TokenRows, writeRows } from './tokenRows.ts';
import { disposeUnless } from './tree.ts';
import type { Weights } from './weights.ts';

export type BiasMode = 'none' | 'all' | 'adapted';

/** What a run has trained: live tensors, the links it finished, and what names them. */
export type TrainedAdapter = {
  readonly strategy: AnyStrategy;
  readonly adapter: AnyAdapter;
  readonly targets: readonly Target[];
  /** Every target of the base, adapted or not: the kinds of its modules. */
  readonly modules: readonly Target[];
  /** What Python calls modules in memory, by their path here, where the two differ: as the base states it. */
  readonly pythonPaths?: Readonly<Record<string, string>> | undefined;
  /** Parameters that Python also keeps under another path, by that path: as the base states it. */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** Modules that produce the base's output, which "all-linear" leaves out: as the base states it. */
  readonly outputHead?: readonly string[] | undefined;
  /** The embedding that looks the base's tokens up: as the base states it. */
  readonly inputEmbedding?: string | undefined;
  /** adapter_config.json of the folder it came from, as it stood: a save writes again what no option here stands for. */
  readonly fileConfig?: Readonly<Record<string, unknown>> | undefined;
  /** Fully trained parameters (modulesToSave and biases) by full path. */
  readonly trained: Readonly<Record<string, tf.Tensor>>;
  /** Trained rows of embeddings, by the path of their table. */
  readonly tokenRows: Readonly<Record<string, TokenRows>>;
  readonly modulesToSave: readonly string[];
  readonly bias: BiasMode;
  readonly finished: readonly FinishedLink[];
  /** Of the base the adapter belongs to. */
  readonly fingerprint: string;
};

/** Frees the live tensors of a trained adapter. */
export function disposeAdapter(given: TrainedAdapter): void {
  requireAdapter(given, 'disposeAdapter: this');
  const { adapter, trained, tokenRows } = given;
  disposeUnless({ params: adapter.params, state: adapter.state, trained, tokenRows: rowTensors(tokenRows) }, {});
}

/** A base with an adapter on it, for inference. */
export type AdaptedModel = {
  /** The model's output with the adapter; the caller owns it. */
  apply(batch: TensorBatch): tf.Tensor;
  /** The base's weights with every finished link merged. */
  readonly weights: Weights;
  /** Frees the copies this adaptation made; the base and the adapter stay as they were, bit for bit. */
  dispose(): void;
};

/** Puts an adapter on the base it was trained on, replaying its finished links on a copy of the weights they change. */
export async function attach(model: AnyModel, trained: TrainedAdapter, engine?: Engine): Promise<AdaptedModel> {
  requireTrained(trained, 'the adapter');
  checkFingerprint(model, trained.fingerprint, 'this adapter');
  const weights = model.weights.fork();
  await replayLinks(weights, trained.finished, { root: trained.strategy, targets: trained.targets, engine });
  return {
    weights,
    apply: (batch) => tf.tidy(() => model.apply(batch, adaptedAt({ ...trained, weights, modules: model.targets }))),
    dispose: () => weights.dispose(),
  };
}

/** The base's weights with links, adapter and trained parameters written in; dispose them to have the base back. */
export async function mergeAdapter(model: AnyModel, trained: TrainedAdapter, engine?: Engine): Promise<Weights> {
  const { weights } = await attach(model, trained, engine);
  for (const [table, rows] of Object.entries(trained.tokenRows)) await writeRows(weights, table, rows);
  await mergeInto(weights, trained, engine);
  for (const [path, tensor] of Object.entries(trained.trained)) weights.write(path, await fromTensor(tensor));
  return weights;
}

/**
 * The whole change of a target, finished links included, as one low-rank pair: a [in, R], b [R, out] with R the sum
 * of the ranks; undefined where every rank is 0. The caller owns the tensors.
 */
export function combinedFactors(trained: TrainedAdapter, target: Target): { a: tf.Tensor; b: tf.Tensor } | undefined {
  return tf.tidy(() => {
    const pairs = trained.finished
      .filter((link) => link.targets.includes(target.path))
      .map((link) => factorsOf(partOf(trained.strategy, link.source), uploadLink(link), target) ?? {})
      .concat([factorsOf(trained.strategy, trained.adapter, target) ?? {}])
      .filter((pair): pair is { a: tf.Tensor; b: tf.Tensor } => 'a' in pair);
    if (pairs.length === 0) return undefined;
    return {
      a: tf.concat(
        pairs.map(({ a }) => a),
        -1,
      ),
      b: tf.concat(
        pairs.map(({ b }) => b),
        0,
      ),
    };
  });
}

/** Refuses a base other than the one an adapter or a save was made on. */
export function checkFingerprint(model: AnyModel, expected: string, what: string): void {
  const actual = model.weights.fingerprint();
  if (actual === expected) return;
  throw new PeftError(
    'model/fingerprint',
    `${what} was made on a base with fingerprint ${expected}, but this model's is ${actual}; load the base it was trained on, without merges.`,
  );
}

function factorsOf(strategy: AnyStrategy, adapter: AnyAdapter, target: Target) {
  if (!strategy.factors) {
    throw new PeftError(
      'strategy/not-additive',
      `strategy "${strategy.name}" does not change a weight by a product of two factors, so it has no low-rank pair; save the merged weights instead.`,
    );
  }
  const pair = strategy.factors(adapter, target);
  // Clones: the caller's scope frees what it returns, never the adapter's own leaves.
  return pair && { a: tf.clone(pair.a), b: tf.clone(pair.b) };
}
