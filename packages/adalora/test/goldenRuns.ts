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
import { requireClose } from '@peft/core/testing';
import * as tf from '@tensorflow/tfjs';
import golden from '../src/__fixtures__/runs.json' with { type: 'json' };
import { noImportance, tripletScores } from '../src/importance.ts';
import { type AdaLoraOptions, type AdaLoraStrategy, adalora, type Triplets } from '../src/index.ts';
import { layerStack } from './layerStack.ts';

type Values = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

interface GoldenStep {
  readonly loss: number;
  readonly penalty: number;
  readonly params: Values;
  readonly mask?: Readonly<Record<string, readonly number[]>>;
  readonly sensitivity?: Values;
  readonly uncertainty?: Values;
  readonly scores?: Readonly<Record<string, readonly number[]>>;
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
  readonly base: Readonly<Record<string, readonly number[]>>;
  readonly batches: readonly { readonly x: readonly number[]; readonly y: readonly number[] }[];
  readonly initial: Values;
  readonly records: readonly GoldenStep[];
}

/** Runs of Python PEFT 0.21.2, recorded after every step. */
export const goldenRuns = golden.runs as unknown as readonly GoldenRun[];

// float32 against float64 over whole runs; the score of a triplet multiplies two averages and so doubles the distance.
const tolerance = 1e-5;

/** Trains as Python did; throws at the first loss, parameter, mask, average or score that is another. */
export async function checkGoldenRun(run: GoldenRun, engine?: Engine): Promise<void> {
  const saves: TrainingState[] = [];
  const steps: Extract<TrainEvent, { type: 'step' }>[] = [];
  const { model, shapeOf } = modelOf(run);
  const result = await fineTune(model, {
    strategy: startingFrom(run),
    targets: 'all-linear',
    loss: regression(),
    data: dataOf(run),
    steps: run.steps,
    optimizer: optimizerOf(run),
    schedule: run.optimizer.rate,
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
  requireClose([saves.length, steps.length], [run.records.length, run.records.length], { what: 'steps' });
  for (const [index, record] of run.records.entries()) {
    const where = `step ${index + 1}`;
    const { loss, penalty } = steps[index] as { loss: number; penalty: number };
    requireNear([loss, penalty], [record.loss, record.penalty], `${where}, loss and penalty`);
    checkStep(saves[index] as TrainingState, record, { where, shapeOf });
  }
}

type ShapeOf = (path: string, part: string) => number[];

function checkStep(
  { tensors }: TrainingState,
  record: GoldenStep,
  { where, shapeOf }: { readonly where: string; readonly shapeOf: ShapeOf },
): void {
  const valuesOf = (path: string) => (tensors[path] as HostArray).data as Float32Array;
  const near = (path: string, values: readonly number[]) =>
    requireClose(valuesOf(path), values, { what: `${where}, ${path}`, tolerance });
  for (const [path, parts] of Object.entries(record.params)) {
    for (const [part, values] of Object.entries(parts)) near(`adapter/${path}/${part}`, values);
  }
  for (const [path, mask] of Object.entries(record.mask ?? {})) {
    requireClose(valuesOf(`strategy/mask/${path}`), mask, { what: `${where}, mask of ${path}` });
    const lambda = record.params[path]?.lambda ?? [];
    const wasPruned = record.scores !== undefined || record.sensitivity === undefined;
    if (wasPruned && !lambda.every((value, i) => mask[i] === 1 || value === 0))
      throw new Error(`${where}, ${path}: a masked singular value is not 0 in the recorded run`);
  }
  for (const average of ['sensitivity', 'uncertainty'] as const) {
    for (const [path, parts] of Object.entries(record[average] ?? {})) {
      for (const [part, values] of Object.entries(parts)) near(`strategy/averages/${average}/${path}/${part}`, values);
    }
  }
  if (record.scores && record.sensitivity) checkScores(averagesOf(tensors, shapeOf), record.scores, where);
  const left = Object.keys(tensors).filter((path) => path.startsWith('strategy/averages'));
  if (record.sensitivity === undefined && left.length > 0) throw new Error(`${where} still has ${left.join(', ')}`);
}

function checkScores(
  averages: { readonly sensitivity: Record<string, Triplets>; readonly uncertainty: Record<string, Triplets> },
  expected: Readonly<Record<string, readonly number[]>>,
  where: string,
): void {
  tf.tidy(() => {
    const scores = tripletScores(averages);
    for (const [path, values] of Object.entries(expected)) {
      const found = (scores[path] as tf.Tensor).dataSync();
      requireClose(found, values, { what: `${where}, score of ${path}`, tolerance: 2 * tolerance });
    }
  });
}

/** As many decimals as a float32 loss has. */
function requireNear(actual: readonly number[], expected: readonly number[], what: string): void {
  for (const [index, value] of expected.entries()) {
    const found = actual[index] as number;
    if (!(Math.abs(found - value) < 5e-6)) throw new Error(`${what}: ${found} instead of ${value}`);
  }
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
