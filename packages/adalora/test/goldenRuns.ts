import {
  type AnyModel,
  adamw,
  type DataSource,
  type Engine,
  fineTune,
  type HostArray,
  hostArray,
  type Optimizer,
  regression,
  sgd,
  type TrainEvent,
  type TrainingState,
  Weights,
} from '@peft/core';
import { expectParity, type ParityComparison } from '@peft/parity';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import golden from '../src/__fixtures__/runs.json' with { type: 'json' };
import { noImportance, tripletScores } from '../src/importance.ts';
import {
  type AdaLoraOptions,
  type AdaLoraState,
  type AdaLoraStrategy,
  adalora,
  type ByTarget,
  type Triplets,
} from '../src/index.ts';
import { scoreThreshold } from '../src/scoreThreshold.ts';
import { layerStack } from './layerStack.ts';

type Values = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

interface GoldenStep {
  readonly loss: number;
  readonly penalty: number;
  readonly budget: number;
  readonly params: Values;
  /** The optimizer's slots of each parameter, by their names here. */
  readonly moments: Readonly<Record<string, Values>>;
  readonly mask?: Readonly<Record<string, readonly number[]>>;
  readonly sensitivity?: Values;
  readonly uncertainty?: Values;
  /** Of a step that prunes, as is the threshold. */
  readonly scores?: Readonly<Record<string, readonly number[]>>;
  readonly threshold?: number;
}

export interface GoldenRun {
  readonly name: string;
  readonly widths: readonly number[];
  readonly steps: number;
  readonly options: Readonly<Record<string, number>>;
  readonly optimizer: {
    readonly kind: string;
    readonly rate: number;
    readonly momentum?: number;
    readonly weight_decay?: number;
    readonly eps?: number;
  };
  /** Limit of the gradients' norm. */
  readonly clip?: number;
  /** The rate falls to 0 in a straight line. */
  readonly falling?: boolean;
  readonly base: Readonly<Record<string, readonly number[]>>;
  readonly batches: readonly { readonly x: readonly number[]; readonly y: readonly number[] }[];
  readonly initial: Values;
  readonly records: readonly GoldenStep[];
}

/** Runs of Python PEFT 0.21.2, recorded after every step. */
export const goldenRuns = golden.runs as unknown as readonly GoldenRun[];

// float32 against float64 over whole runs.
const tolerance = 1e-5;
const lossTolerance = 2e-6;

/** Trains as Python did; fails at the first loss, budget, parameter, moment, mask, average, score or threshold that is another. */
export async function checkGoldenRun(run: GoldenRun, engine?: Engine): Promise<void> {
  const saves: TrainingState[] = [];
  const steps: Extract<TrainEvent, { type: 'step' }>[] = [];
  const { model, shapeOf } = modelOf(run);
  const strategy = startingFrom(run);
  const { rate } = run.optimizer;
  const result = await fineTune(model, {
    strategy,
    targets: 'all-linear',
    loss: regression(),
    data: dataOf(run),
    steps: run.steps,
    optimizer: optimizerOf(run),
    schedule: run.falling ? (step, totalSteps) => rate * (1 - step / totalSteps) : rate,
    maxGradientNorm: run.clip,
    checkpoints: {
      every: 1,
      store: { save: async (state) => void saves.push(structuredClone(state)), load: async () => undefined },
    },
    onEvent: (event) => event.type === 'step' && steps.push(event),
    progress: false,
    onWarning: () => {},
    ...(engine && { engine }),
  }).result;
  result.dispose();
  model.weights.dispose();
  expect([saves.length, steps.length]).toEqual([run.records.length, run.records.length]);
  const parity = (quantity: string, comparison: ParityComparison) =>
    expectParity(`AdaLoRA as PEFT: ${quantity}`, comparison);
  const column = (key: 'loss' | 'penalty') => ({
    actual: steps.map((step) => step[key]),
    expected: run.records.map((record) => record[key]),
    tolerance: lossTolerance,
    by: 'largest' as const,
  });
  parity('losses and penalties', column('loss'));
  parity('losses and penalties', column('penalty'));
  parity('budgets', {
    actual: run.records.map((_, index) => budgetOf(strategy, run, index + 1)),
    expected: run.records.map(({ budget }) => budget),
    tolerance: 0,
    by: 'equal',
  });
  for (const [index, record] of run.records.entries()) {
    checkStep(saves[index] as TrainingState, record, { step: index + 1, shapeOf, parity });
  }
}

type ShapeOf = (path: string, part: string) => number[];
type Check = {
  readonly step: number;
  readonly shapeOf: ShapeOf;
  readonly parity: (quantity: string, comparison: ParityComparison) => void;
};

function budgetOf(strategy: AdaLoraStrategy, { widths, steps }: GoldenRun, step: number): number {
  const mask = Object.fromEntries(widths.slice(1).map((_, index) => [`l${index}`, undefined]));
  const state = { step: step - 1, totalSteps: steps, mask, averages: {} } as unknown as AdaLoraState;
  return strategy.inputs?.(state, { step, totalSteps: steps }).budget as number;
}

function checkStep({ tensors }: TrainingState, record: GoldenStep, { step, shapeOf, parity }: Check): void {
  const valuesOf = (path: string) => {
    const leaf = tensors[path];
    if (leaf === undefined) throw new Error(`step ${step}: no ${path} among ${Object.keys(tensors).join(', ')}`);
    return (leaf as HostArray).data as Float32Array;
  };
  const leaves = (values: Values = {}) =>
    Object.entries(values).flatMap(([path, parts]) =>
      Object.entries(parts).map(([part, expected]) => [`${path}/${part}`, expected] as const),
    );
  for (const [leaf, expected] of leaves(record.params))
    parity('parameters', { actual: valuesOf(`adapter/${leaf}`), expected, tolerance, where: `step ${step}, ${leaf}` });
  for (const [path, parts] of Object.entries(record.moments)) {
    for (const [leaf, expected] of leaves(parts)) {
      const actual = valuesOf(`slots/adapter/${path}/${leaf}`);
      parity('optimizer moments', { actual, expected, tolerance, where: `step ${step}, ${path}/${leaf}` });
    }
  }
  for (const [path, expected] of Object.entries(record.mask ?? {})) {
    parity('masks', {
      actual: valuesOf(`strategy/mask/${path}`),
      expected,
      tolerance: 0,
      by: 'equal',
      where: `step ${step}, ${path}`,
    });
    const lambda = record.params[path]?.lambda ?? [];
    const wasPruned = record.scores !== undefined || record.sensitivity === undefined;
    if (wasPruned && !lambda.every((value, i) => expected[i] === 1 || value === 0))
      throw new Error(`step ${step}, ${path}: a masked singular value is not 0 in the recorded run`);
  }
  for (const average of ['sensitivity', 'uncertainty'] as const) {
    for (const [leaf, expected] of leaves(record[average])) {
      const actual = valuesOf(`strategy/averages/${average}/${leaf}`);
      parity('importance averages', { actual, expected, tolerance, where: `step ${step}, ${average} of ${leaf}` });
    }
  }
  const left = Object.keys(tensors).filter((path) => path.startsWith('strategy/averages'));
  if (record.sensitivity) checkScores(averagesOf(tensors, shapeOf), record, parity);
  else expect(left, `step ${step}`).toEqual([]);
}

function checkScores(
  averages: { readonly sensitivity: ByTarget<Triplets>; readonly uncertainty: ByTarget<Triplets> },
  { scores: expected, threshold, budget }: GoldenStep,
  parity: Check['parity'],
): void {
  if (!expected) return;
  tf.tidy(() => {
    const scores = tripletScores(averages);
    for (const [path, values] of Object.entries(expected)) {
      const actual = (scores[path] as tf.Tensor).dataSync() as Float32Array;
      parity('triplet scores', { actual, expected: values, tolerance });
    }
    const all = tf.concat(Object.keys(expected).map((path) => scores[path] as tf.Tensor1D));
    const found = scoreThreshold(all, tf.scalar(budget)).dataSync() as Float32Array;
    parity('thresholds', { actual: found, expected: [threshold as number], tolerance });
  });
}

function optionsOf({ options, steps }: GoldenRun): AdaLoraOptions {
  const { init_r, target_r, tinit = 0, tfinal = 0, deltaT, beta1, beta2, lora_alpha, orth_reg_weight } = options;
  if (tinit + tfinal >= steps) throw new Error('no step for the budget to fall');
  return {
    compat: 'peft',
    initRank: init_r,
    targetRank: target_r,
    warmupSteps: tinit,
    finalSteps: tfinal,
    allocateEvery: deltaT,
    beta1,
    beta2,
    alpha: lora_alpha,
    orthogonality: orth_reg_weight,
  };
}

/** The strategy with Python's first factors in place of its own draw. */
function startingFrom(run: GoldenRun): AdaLoraStrategy {
  const strategy = adalora(optionsOf(run));
  return {
    ...strategy,
    init(context) {
      const drawn = strategy.init(context);
      const params = Object.fromEntries(
        Object.entries(drawn.params).map(([path, triplets]) => {
          const leaf = (name: keyof Triplets) =>
            tf.tensor([...(run.initial[path]?.[name] ?? [])], triplets[name].shape);
          return [path, { a: leaf('a'), lambda: leaf('lambda'), b: leaf('b') }];
        }),
      );
      return { params, state: { ...drawn.state, averages: noImportance(params) } };
    },
  };
}

function modelOf({ widths, base, options }: GoldenRun) {
  const shapes = layerStack(widths, 1);
  const weights = new Weights(
    shapes.targets.map(({ path, shape }) => [`${path}.weight`, hostArray([...(base[path] ?? [])], shape)]),
  );
  const rank = options.init_r as number;
  const shapeOf: ShapeOf = (path, part) => {
    const [fanIn = 0, fanOut = 0] = shapes.targets.find((target) => target.path === path)?.shape ?? [];
    return part === 'a' ? [fanIn, rank] : part === 'b' ? [rank, fanOut] : [rank];
  };
  return { model: { ...shapes, weights } as AnyModel, shapeOf };
}

function averagesOf(tensors: TrainingState['tensors'], shapeOf: ShapeOf) {
  const read = (average: string) => {
    const found: Record<string, Record<string, tf.Tensor>> = {};
    for (const [key, leaf] of Object.entries(tensors)) {
      const [, kind, name, path = '', part = ''] = key.split('/');
      if (kind !== 'averages' || name !== average) continue;
      found[path] = {
        ...found[path],
        [part]: tf.tensor((leaf as HostArray).data as Float32Array, shapeOf(path, part)),
      };
    }
    return found as Record<string, Triplets>;
  };
  return { sensitivity: read('sensitivity'), uncertainty: read('uncertainty') };
}

function dataOf({ widths, batches }: GoldenRun): DataSource {
  const shape = (width: number | undefined, values: readonly number[]) =>
    hostArray([...values], [values.length / (width ?? 1), width ?? 1]);
  const columns = batches.map(({ x, y }) => ({ x: shape(widths[0], x), targets: shape(widths.at(-1), y) }));
  return {
    batchesPerEpoch: columns.length,
    batches: (_epoch, _seed, skip) => columns.slice(skip),
  };
}

function optimizerOf({ optimizer }: GoldenRun): Optimizer {
  return optimizer.kind === 'sgd'
    ? sgd({ momentum: optimizer.momentum })
    : adamw({ weightDecay: optimizer.weight_decay });
}
