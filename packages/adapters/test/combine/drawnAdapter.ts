import { type AdaLoraState, adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import {
  type AnyModel,
  type AnyStrategy,
  type FinishedLink,
  fold,
  layerKindOf,
  perTarget,
  readSnapshot,
  type Target,
  type TrainedAdapter,
  type Tree,
} from '@peft/core';
import { type LoraOptions, lora } from '@peft/lora';
import { normals, uniforms } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';

/** An adapter and the change it stands for, worked out in float64 by the formula of its method: by path, as the weight lies. */
export type Drawn = { readonly adapter: TrainedAdapter; readonly deltas: Readonly<Record<string, Float64Array>> };

export const drawnKinds = ['lora', 'rsLora', 'patterns', 'adalora', 'chain', 'mixed'] as const;
export type DrawnKind = (typeof drawnKinds)[number];

type Part = {
  readonly strategy: AnyStrategy;
  readonly params: Tree;
  readonly state: TrainedAdapter['adapter']['state'];
  readonly deltas: Readonly<Record<string, Float64Array>>;
};

/** An adapter of some of the model's targets, with values drawn by the seed. */
export function drawnAdapter(model: AnyModel, kind: DrawnKind, seed: number): Promise<Drawn> {
  const [skip] = uniforms(fold(seed, 'targets'), 1);
  const targets = model.targets.filter((_, at) => at !== Math.floor((skip ?? 0) * (model.targets.length + 1)));
  return kind === 'chain' ? chain(model, targets, seed) : single(model, targets, part(kind, targets, seed));
}

async function single(model: AnyModel, targets: readonly Target[], { deltas, ...drawn }: Part): Promise<Drawn> {
  return { deltas, adapter: trainedOf(model, targets, { ...drawn, finished: [] }) };
}

function part(kind: Exclude<DrawnKind, 'chain'>, targets: readonly Target[], seed: number): Part {
  switch (kind) {
    case 'lora':
      return loraPart({ rank: 3, alpha: 5 }, targets, seed);
    case 'rsLora':
      return loraPart({ rank: 4, alpha: 3, rsLora: true }, targets, seed);
    case 'patterns':
      return loraPart(
        { rank: 2, alpha: 6, rankPattern: { query: 4 }, alphaPattern: { up: 1, embed: 12 } },
        targets,
        seed,
      );
    case 'adalora':
      return adaloraPart(targets, seed);
    case 'mixed': {
      const isDense = ({ path }: Target) => path.startsWith('layer');
      const dense = adaloraPart(targets.filter(isDense), seed);
      const others = loraPart(
        { rank: 2 },
        targets.filter((target) => !isDense(target)),
        seed + 1,
      );
      return {
        strategy: perTarget([
          { targets: ['query', 'up'], strategy: dense.strategy },
          { targets: ['embed', 'square', 'tied'], strategy: others.strategy },
        ]) as AnyStrategy,
        params: { 0: dense.params, 1: others.params },
        state: { 0: dense.state, 1: others.state },
        deltas: { ...dense.deltas, ...others.deltas },
      };
    }
  }
}

/** Three links, the first two finished: LoRA, AdaLoRA, LoRA. */
async function chain(model: AnyModel, targets: readonly Target[], seed: number): Promise<Drawn> {
  const links = [loraPart({ rank: 2, alpha: 3 }, targets, seed), adaloraPart(targets, seed + 1)];
  const live = loraPart({ rank: 1 }, targets, seed + 2);
  const strategies = [...links, live].map(({ strategy }) => strategy);
  const finished: FinishedLink[] = [];
  for (const [index, { params, state }] of links.entries()) {
    finished.push({
      source: String(index),
      targets: targets.map(({ path }) => path),
      params: await readSnapshot(params),
      state: await readSnapshot(state),
    });
    tf.dispose([params, state] as unknown as tf.TensorContainer);
  }
  const sum = (path: string) =>
    [...links, live].map(({ deltas }) => deltas[path] ?? new Float64Array()).reduce(added, new Float64Array());
  return {
    deltas: Object.fromEntries(targets.map(({ path }) => [path, sum(path)])),
    adapter: trainedOf(model, targets, {
      strategy: cola((index) => strategies[index] as AnyStrategy, { links: 3 }) as AnyStrategy,
      params: live.params,
      state: { link: live.state, index: 2, start: 20 },
      finished,
    }),
  };
}

function loraPart(options: LoraOptions, targets: readonly Target[], seed: number): Part {
  const patternOf = (pattern: Readonly<Record<string, number>> = {}, path: string) =>
    Object.entries(pattern).find(([key]) => path === key || path.endsWith(`.${key}`))?.[1];
  const live = (pattern: Readonly<Record<string, number>> = {}) =>
    Object.fromEntries(
      Object.entries(pattern).filter(([key]) => targets.some(({ path }) => path.split('.').at(-1) === key)),
    );
  const own = { ...options, rankPattern: live(options.rankPattern), alphaPattern: live(options.alphaPattern) };
  const deltas: Record<string, Float64Array> = {};
  const params = Object.fromEntries(
    targets.map((target) => {
      const rank = patternOf(own.rankPattern, target.path) ?? options.rank ?? 8;
      const alpha = patternOf(own.alphaPattern, target.path) ?? options.alpha ?? 8;
      const scaling = alpha / (options.rsLora ? Math.sqrt(rank) : rank);
      const { a, b, tensors } = factors(target, rank, seed);
      deltas[target.path] = deltaOf(target, { a, b, diagonal: new Float64Array(rank).fill(scaling) });
      return [target.path, tensors];
    }),
  );
  return { strategy: lora(own) as AnyStrategy, params, state: {}, deltas };
}

/** In its final phase: one target compacted to rank 0, the others masked but not compacted. */
function adaloraPart(targets: readonly Target[], seed: number): Part {
  const initRank = 4;
  const strategy = adalora({ initRank, targetRank: 2, alpha: 6 });
  const deltas: Record<string, Float64Array> = {};
  const masks: Record<string, tf.Tensor> = {};
  const params: Record<string, Tree> = {};
  for (const [at, target] of targets.entries()) {
    const mask = Float32Array.from(uniforms(fold(fold(seed, 'mask'), target.path), initRank), (value) =>
      at > 0 && value < 0.6 ? 1 : 0,
    );
    masks[target.path] = tf.tensor1d(mask);
    const lambda = normals(fold(fold(seed, 'lambda'), target.path), initRank);
    const { a, b, tensors } = factors(target, initRank, seed);
    const diagonal = Float64Array.from(lambda, (value, index) => value * (mask[index] as number) * (6 / initRank));
    deltas[target.path] = deltaOf(target, { a, b, diagonal });
    if (at > 0) params[target.path] = { ...tensors, lambda: tf.tensor1d(lambda) };
    else tf.dispose(tensors);
  }
  const state: AdaLoraState = { step: 10, totalSteps: 10, mask: masks };
  return { strategy: strategy as AnyStrategy, params, state: state as Part['state'], deltas };
}

function factors(target: Target, rank: number, seed: number) {
  const shapes = layerKindOf(target).factorShapes(target, rank);
  const draw = (name: 'a' | 'b') => {
    const [rows = 0, columns = 0] = shapes[name];
    return normals(fold(fold(seed, name), target.path), rows * columns);
  };
  const [a, b] = [draw('a'), draw('b')];
  return { a, b, tensors: { a: tf.tensor(a, [...shapes.a]), b: tf.tensor(b, [...shapes.b]) } };
}

type Triplets = { readonly a: Float32Array; readonly b: Float32Array; readonly diagonal: Float64Array };

function deltaOf({ kind, shape }: Target, { a, b, diagonal }: Triplets): Float64Array {
  const [height = 0, width = 0] = shape;
  const rank = diagonal.length;
  const isTransposed = kind === 'transposed-dense';
  const columns = isTransposed ? height : width;
  return Float64Array.from({ length: height * width }, (_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    const [i, j] = isTransposed ? [column, row] : [row, column];
    let sum = 0;
    for (let k = 0; k < rank; k++) {
      sum += (a[i * rank + k] as number) * (diagonal[k] as number) * (b[k * columns + j] as number);
    }
    return sum;
  });
}

function added(left: Float64Array, right: Float64Array): Float64Array {
  return left.length === 0 ? right : left.map((value, at) => value + (right[at] ?? 0));
}

/** The record that a run hands over. */
export function trainedOf(
  model: AnyModel,
  targets: readonly Target[],
  drawn: Omit<Part, 'deltas'> & Pick<TrainedAdapter, 'finished'>,
): TrainedAdapter {
  const { strategy, params, state, finished } = drawn;
  return {
    strategy,
    adapter: { params, state },
    targets,
    modules: model.targets,
    trained: {},
    tokenRows: {},
    modulesToSave: [],
    bias: 'none',
    finished,
    fingerprint: model.weights.fingerprint(),
  };
}
