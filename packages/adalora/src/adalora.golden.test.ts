import {
  type AnyModel,
  adamw,
  type DataSource,
  fineTune,
  type HostArray,
  hostArray,
  type Optimizer,
  regression,
  sgd,
  type TrainingState,
  Weights,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { describe, expect, test } from 'vitest';
import { layerStack } from '../test/layerStack.ts';
import { relativeDistance } from '../test/relativeDistance.ts';
import golden from './__fixtures__/runs.json' with { type: 'json' };
import { noImportance, tripletScores } from './importance.ts';
import { type AdaLoraOptions, type AdaLoraStrategy, adalora, type Triplets } from './index.ts';

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

interface GoldenRun {
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

// float32 against float64 over whole runs; the score of a triplet multiplies two averages and so doubles the distance.
const tolerance = 1e-5;

describe.each(['cpu', 'wasm'])('on %s, as Python PEFT 0.21.2', (backend) => {
  test.each((golden.runs as unknown as GoldenRun[]).map((run) => [run.name, run] as const))('%s', async (_, run) => {
    await tf.setBackend(backend);
    const saves: TrainingState[] = [];
    const losses: { readonly loss: number; readonly penalty: number }[] = [];
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
      onEvent: (event) => event.type === 'step' && losses.push(event),
      progress: false,
      onWarning: () => {},
    }).result;
    result.dispose();

    expect(saves.length).toBe(run.records.length);
    for (const [index, record] of run.records.entries()) {
      const { tensors } = saves[index] as TrainingState;
      const where = `step ${index + 1}`;
      const near = (path: string, values: readonly number[], bound = tolerance) => {
        const distance = relativeDistance((tensors[path] as HostArray).data as Float32Array, values);
        expect(distance, `${where}, ${path}`).toBeLessThan(bound);
      };
      expect(losses[index]?.loss, where).toBeCloseTo(record.loss, 5);
      expect(losses[index]?.penalty, where).toBeCloseTo(record.penalty, 5);
      for (const [path, parts] of Object.entries(record.params)) {
        for (const [part, values] of Object.entries(parts)) near(`adapter/${path}/${part}`, values);
      }
      for (const [path, mask] of Object.entries(record.mask ?? {})) {
        expect([...((tensors[`strategy/mask/${path}`] as HostArray).data as Float32Array)], where).toEqual(mask);
        const lambda = record.params[path]?.lambda ?? [];
        const wasPruned = record.scores !== undefined || record.sensitivity === undefined;
        if (wasPruned)
          expect(
            lambda.every((value, i) => mask[i] === 1 || value === 0),
            where,
          ).toBe(true);
      }
      for (const average of ['sensitivity', 'uncertainty'] as const) {
        for (const [path, parts] of Object.entries(record[average] ?? {})) {
          for (const [part, values] of Object.entries(parts))
            near(`strategy/averages/${average}/${path}/${part}`, values);
        }
      }
      if (record.scores && record.sensitivity) {
        const scores = tf.tidy(() => tripletScores(averagesOf(tensors, shapeOf)));
        for (const [path, values] of Object.entries(record.scores)) {
          const score = scores[path] as tf.Tensor;
          expect(relativeDistance(await score.data(), values), `${where}, score of ${path}`).toBeLessThan(
            2 * tolerance,
          );
          score.dispose();
        }
      }
      if (record.sensitivity === undefined) {
        const left = Object.keys(tensors).filter((path) => path.startsWith('strategy/averages'));
        expect(left, where).toEqual([]);
      }
    }
    model.weights.dispose();
  });
});

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
  const shapeOf = (path: string, part: string) => {
    const [fanIn = 0, fanOut = 0] = shapes.targets.find((target) => target.path === path)?.shape ?? [];
    return part === 'a' ? [fanIn, rank] : part === 'b' ? [rank, fanOut] : [rank];
  };
  return { model: { ...shapes, weights } as AnyModel, shapeOf };
}

function averagesOf(tensors: TrainingState['tensors'], shapeOf: (path: string, part: string) => number[]) {
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
