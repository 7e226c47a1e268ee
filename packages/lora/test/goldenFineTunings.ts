import {
  type AnyModel,
  adamw,
  attach,
  batches,
  disposeAdapter,
  type Engine,
  type FineTuneOptions,
  fineTune,
  fromTensor,
  hostArray,
  leavesOf,
  loraPlus,
  mergeAdapter,
  regression,
  sgd,
  type Target,
  type TrainEvent,
  type TrainedAdapter,
  type Tree,
  toTensor,
  treeOf,
  Weights,
} from '@peft/core';
import { expectParity } from '@peft/parity';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import golden from '../src/__fixtures__/runs.json' with { type: 'json' };
import {
  expectLeaves,
  expectNumbers,
  type Found,
  goldenStrategy,
  methodOf,
  type Numbers,
  type Parts,
  tolerance,
} from './goldenCases.ts';

type Trained = { readonly adapter: Readonly<Record<string, Parts>>; readonly whole: Parts };

export interface GoldenFineTuning {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly targets: readonly string[];
  readonly options: {
    readonly rate: number;
    readonly decay: number;
    /** Of LoRA+. */
    readonly ratio?: number;
    /** Limit of the gradients' norm. */
    readonly clip?: number;
    /** The rate falls to 0 in a straight line. */
    readonly falling?: boolean;
  };
  readonly initial: Readonly<Record<string, Parts>>;
  readonly output: Numbers;
  readonly gradients: Trained;
  readonly losses: readonly number[];
  /** Of all gradients together, before clipping. */
  readonly norms: readonly number[];
  readonly trained: Trained;
  readonly trainedOutput: Numbers;
  readonly merged: Parts;
}

/** Fine-tunings with Python PEFT. */
export const goldenFineTunings = golden.runs as unknown as readonly GoldenFineTuning[];

const ids = hostArray(Int32Array.from(golden.batch.ids.flat()), [4, 3]);
const arrayOf = ({ values, shape }: Numbers) => hostArray(values, shape);

/**
 * Fine-tunes as Python did, from its values: gradients by one step of SGD, then its five AdamW steps, the outputs, and
 * every weight of the merged model; fails at the first that is not Python's.
 */
export async function checkGoldenFineTuning(run: GoldenFineTuning, engine?: Engine): Promise<void> {
  const method = methodOf(run.settings);
  const model = modelOf();
  const start = startOf(run, model);
  expectNumbers(`${method}: outputs`, await outputOf(model, start), run.output);
  disposeAdapter(start);
  await expectGradients(run, model, engine);
  const { rate, decay, ratio, falling, clip } = run.options;
  const { adapter, steps, dispose } = await train(run, model, {
    steps: run.losses.length,
    optimizer: adamw({ weightDecay: decay }),
    schedule: falling ? (step, totalSteps) => rate * (1 - step / totalSteps) : rate,
    maxGradientNorm: clip,
    groups: ratio === undefined ? [] : [loraPlus(ratio)],
    engine,
  });
  const seen = (key: 'loss' | 'gradientNorm') => steps.map((step) => step[key]);
  expectParity(`${method}: losses and parameters over five AdamW steps`, {
    actual: seen('loss'),
    expected: run.losses,
    tolerance,
  });
  expectParity('clipping: gradient norms', { actual: seen('gradientNorm'), expected: run.norms, tolerance });
  const after = await valuesOf(adapter);
  expectLeaves(`${method}: losses and parameters over five AdamW steps`, after.adapter, run.trained.adapter);
  expectWhole('biases and modules to save: parameters over five AdamW steps', after.whole, run.trained.whole);
  expectNumbers(`${method}: outputs`, await outputOf(model, adapter), run.trainedOutput);
  const merged = await mergeAdapter(model, adapter, engine);
  expect(merged.paths).toEqual(Object.keys(run.merged).sort());
  for (const [path, numbers] of Object.entries(run.merged))
    expectNumbers(`${method}: merged weights`, merged.get(path), { ...numbers, where: path });
  merged.dispose();
  dispose();
  model.weights.dispose();
}

/** What one step of SGD moves, which is the gradient times a rate so high that the values' own rounding is small. */
async function expectGradients(run: GoldenFineTuning, model: AnyModel, engine: Engine | undefined): Promise<void> {
  const rate = 64;
  const { adapter, dispose } = await train(run, model, { steps: 1, optimizer: sgd(), schedule: rate, engine });
  const after = await valuesOf(adapter);
  const moved = (found: Found, { values, shape }: Numbers): Found => {
    const data = (found?.data ?? []) as Float32Array;
    return { shape, data: values.map((value, index) => (value - (data[index] as number)) / rate) };
  };
  const adapterGradients = Object.entries(run.initial).flatMap(([path, parts]) =>
    Object.entries(parts).map(([part, before]) => [`${path}/${part}`, moved(after.adapter[`${path}/${part}`], before)]),
  );
  const method = methodOf(run.settings);
  expectLeaves(`${method}: gradients`, Object.fromEntries(adapterGradients), run.gradients.adapter);
  const base = golden.base as unknown as Parts;
  const whole = Object.entries(after.whole).map(([path, found]) => [path, moved(found, base[path] as Numbers)]);
  expectWhole('biases and modules to save: gradients', Object.fromEntries(whole), run.gradients.whole);
  dispose();
}

type Steps = readonly Extract<TrainEvent, { type: 'step' }>[];

async function train(
  run: GoldenFineTuning,
  model: AnyModel,
  options: Pick<FineTuneOptions, 'steps' | 'optimizer' | 'schedule' | 'maxGradientNorm' | 'groups' | 'engine'>,
): Promise<{ readonly adapter: TrainedAdapter; readonly steps: Steps; dispose(): void }> {
  const steps: Extract<TrainEvent, { type: 'step' }>[] = [];
  const from = startOf(run, model);
  const result = await fineTune(model, {
    strategy: from.strategy,
    targets: run.targets,
    modulesToSave: from.modulesToSave,
    bias: from.bias,
    from,
    loss: regression(),
    data: batches({ ids, targets: arrayOf(golden.batch.targets) }, { batchSize: 4 }),
    onEvent: (event) => event.type === 'step' && steps.push(event),
    progress: false,
    onWarning: () => {},
    ...options,
  }).result;
  disposeAdapter(from);
  return { adapter: result.adapter, steps, dispose: () => result.dispose() };
}

/** Python's first adapter. What trains whole begins at the base, so there is none of it yet. */
function startOf({ settings, targets, initial }: GoldenFineTuning, model: AnyModel): TrainedAdapter {
  const biases = { all: 'all', lora_only: 'adapted' } as const;
  const strategy = goldenStrategy({ settings });
  const adapted = model.targets.filter(({ path }) => targets.includes(path));
  return {
    strategy: strategy as never,
    adapter: {
      params: treeOf(
        Object.entries(initial).flatMap(([path, found]) =>
          Object.entries(found).map(([part, numbers]) => [`${path}/${part}`, toTensor(arrayOf(numbers))] as const),
        ),
      ),
      state: {},
    },
    targets: adapted,
    modules: model.targets,
    trained: {},
    tokenRows: {},
    finished: [],
    fingerprint: model.weights.fingerprint(),
    modulesToSave: (settings.modules_to_save ?? []) as readonly string[],
    bias: biases[settings.bias as keyof typeof biases] ?? 'none',
  } as TrainedAdapter;
}

function modelOf(): AnyModel {
  const paths = ['embed', 'layer.0.dense', 'layer.1.dense', 'head'];
  const base = golden.base as unknown as Parts;
  const targets: readonly Target[] = paths.map((path) => ({
    path,
    kind: path === 'embed' ? 'embedding' : 'dense',
    shape: base[`${path}.weight`]?.shape ?? [],
  }));
  return {
    targets,
    weights: new Weights(Object.entries(base).map(([path, numbers]) => [path, arrayOf(numbers)])),
    apply(batch, at) {
      const hidden = ['layer.0.dense', 'layer.1.dense'].reduce(
        (x, path) => tf.tanh(at.linear(path, x)),
        at.embedding('embed', batch.ids as tf.Tensor),
      );
      return at.linear('head', hidden);
    },
  };
}

async function outputOf(model: AnyModel, adapter: TrainedAdapter): Promise<Found> {
  const adapted = await attach(model, adapter);
  const input = toTensor(ids);
  const output = adapted.apply({ ids: input });
  const found = await fromTensor(output);
  tf.dispose([input, output]);
  adapted.dispose();
  return found;
}

async function valuesOf({ adapter, trained }: TrainedAdapter) {
  const read = async (leaves: readonly (readonly [string, tf.Tensor])[]): Promise<Record<string, Found>> =>
    Object.fromEntries(await Promise.all(leaves.map(async ([path, leaf]) => [path, await fromTensor(leaf)] as const)));
  return {
    adapter: await read([...leavesOf(adapter.params as Tree)]),
    whole: await read(Object.entries(trained)),
  };
}

function expectWhole(subject: string, found: Readonly<Record<string, Found>>, expected: Parts): void {
  expect(Object.keys(found).sort(), subject).toEqual(Object.keys(expected).sort());
  for (const [path, numbers] of Object.entries(expected))
    expectNumbers(subject, found[path], { ...numbers, where: path });
}
