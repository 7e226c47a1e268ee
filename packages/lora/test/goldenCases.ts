import {
  adamw,
  adaptedAt,
  type Engine,
  type HostArray,
  hostArray,
  leavesOf,
  type Model,
  type Slots,
  type Snapshot,
  type StepFunction,
  type Target,
  type Tree,
  toTensor,
  treeOf,
  Weights,
} from '@peft/core';
import { expectParity } from '@peft/parity';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import golden from '../src/__fixtures__/lora.json' with { type: 'json' };
import { lora } from '../src/lora.ts';
import type { LoraParams } from '../src/loraParams.ts';
import { optionsOfConfig } from '../src/optionsOfConfig.ts';

/** torch computed in float64; here every kernel rounds to float32, and AdamW divides by gradients that may be small. */
export const tolerance = 1e-5;

export type Numbers = { readonly shape: readonly number[]; readonly values: readonly number[] };
export type Parts = Readonly<Record<string, Numbers>>;

export interface GoldenCase {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly targets: readonly string[];
  readonly freshMagnitudes: Parts;
  readonly initial: Readonly<Record<string, Parts>>;
  readonly output: Numbers;
  readonly gradients: Readonly<Record<string, Parts>>;
  readonly losses: readonly number[];
  readonly final: Readonly<Record<string, Parts>>;
  readonly finalOutput: Numbers;
  readonly merged: Parts;
}

/** What Python PEFT computed; the JSON's own type is a union of every case's keys. */
export const goldenCases = golden.cases as unknown as readonly GoldenCase[];

const modules: readonly Target[] = Object.entries(golden.base)
  .filter(([path]) => path.endsWith('.weight'))
  .map(([path, { shape }]) => ({
    path: path.replace('.weight', ''),
    kind: path === 'embed.weight' ? 'embedding' : 'dense',
    shape,
  }));
const apply: Model['apply'] = ({ ids }, at) => {
  const hidden = tf.tanh(at.linear('layer.0.dense', at.embedding('embed', ids as tf.Tensor)));
  return at.linear('layer.1.dense', hidden);
};
const arrayOf = ({ values, shape }: Numbers) => hostArray(values, shape);
const ids: HostArray = hostArray(Int32Array.from(golden.batch.ids.flat()), [
  golden.batch.ids.length,
  golden.batch.ids[0]?.length ?? 0,
]);

export function goldenBase(): Weights {
  return new Weights(Object.entries(golden.base).map(([path, numbers]) => [path, arrayOf(numbers)]));
}

export function goldenTargets({ targets }: GoldenCase): readonly Target[] {
  return modules.filter(({ path }) => targets.includes(path));
}

export function goldenStrategy({ settings }: Pick<GoldenCase, 'settings'>) {
  const camelCase = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return lora(
    optionsOfConfig(Object.fromEntries(Object.entries(settings).map(([key, value]) => [camelCase(key), value]))),
  );
}

/** Fails unless the frozen model gives torch's output. */
export async function checkGoldenBase(engine: Engine): Promise<void> {
  const weights = goldenBase();
  const output: StepFunction = (state, inputs) => ({
    state,
    metrics: {},
    outputs: { output: apply(inputs as never, adaptedAt({ weights, modules })) },
  });
  const program = await engine.compile({ output }, weights);
  expectNumbers('LoRA: outputs', (await program.run('output', { ids })).outputs.output, golden.baseOutput);
  program.dispose();
  weights.dispose();
}

/** Output, gradients, five steps, output and merge on an engine; fails at the first that is not Python's. */
export async function checkGoldenCase(golden: GoldenCase, engine: Engine): Promise<void> {
  const weights = goldenBase();
  const method = methodOf(golden.settings);
  const program = await engine.compile(functionsOf(golden, weights), weights);
  await program.bind(fresh(golden));
  expectNumbers(`${method}: outputs`, (await program.run('output', { ids })).outputs.output, golden.output);
  const losses: number[] = [];
  for (const step of golden.losses.keys()) {
    const { metrics, outputs } = await program.run('step', stepInputs(step + 1));
    losses.push(metrics.loss as number);
    if (step === 0) expectLeaves(`${method}: gradients`, outputs, golden.gradients);
  }
  expectParity(`${method}: losses and parameters over five AdamW steps`, {
    actual: losses,
    expected: golden.losses,
    tolerance,
  });
  const { params } = (await program.state()) as unknown as State;
  const read: Record<string, Found> = {};
  for (const [path, leaf] of leavesOf(params as Tree)) read[path] = { shape: leaf.shape, data: await leaf.data() };
  expectLeaves(`${method}: losses and parameters over five AdamW steps`, read, golden.final);
  expectNumbers(`${method}: outputs`, (await program.run('output', { ids })).outputs.output, golden.finalOutput);
  const { outputs } = await program.run('merge', {});
  for (const { path } of goldenTargets(golden))
    expectNumbers(`${method}: merged weights`, outputs[path], golden.merged[path] as Numbers);
  program.dispose();
  weights.dispose();
}

/** What a configuration is called in tables. */
export function methodOf(settings: Readonly<Record<string, unknown>>): string {
  if (settings.use_dora) return 'DoRA';
  return settings.use_rslora ? 'rsLoRA' : 'LoRA';
}

type State = { readonly params: LoraParams; readonly slots: Readonly<Record<string, Slots>> };

const optimizer = adamw({ weightDecay: golden.adamw.weight_decay, epsilon: golden.adamw.eps });

function stepInputs(step: number) {
  return {
    ids,
    targets: arrayOf(golden.batch.targets),
    learningRate: golden.adamw.lr,
    optimizer: optimizer.inputs(step),
  };
}

function fresh({ initial }: GoldenCase): Snapshot {
  return tf.tidy(() => {
    const leaves = Object.entries(initial).flatMap(([path, parts]) =>
      Object.entries(parts).map(([part, numbers]) => [`${path}/${part}`, toTensor(arrayOf(numbers))] as const),
    );
    const slots = Object.fromEntries(leaves.map(([path, leaf]) => [keyOf(path), optimizer.init(leaf)]));
    return { params: treeOf(leaves), slots } as Snapshot;
  });
}

/** A key of its own for each leaf, without the slash that joins keys. */
const keyOf = (path: string) => path.replace('/', ' ');

function functionsOf(
  golden: GoldenCase,
  weights: Weights,
): Readonly<Record<'output' | 'step' | 'merge', StepFunction>> {
  const strategy = goldenStrategy(golden);
  const targets = goldenTargets(golden);
  const adapterOf = (params: Tree) => ({ params: params as unknown as LoraParams, state: {} });
  const output = (params: Tree, ids: tf.Tensor) =>
    apply({ ids }, adaptedAt({ weights, modules, targets, strategy, adapter: adapterOf(params) as never }));
  return {
    output: (state, inputs) => ({
      state,
      metrics: {},
      outputs: { output: output((state as unknown as State).params as Tree, inputs.ids as tf.Tensor) },
    }),
    step(state, inputs) {
      const { params, slots } = state as unknown as State;
      const leaves = leavesOf(params as Tree);
      const whole = (given: readonly tf.Tensor[]) =>
        treeOf(leaves.map(([path], index) => [path, given[index] as tf.Tensor])) as Tree;
      const { value, grads } = tf.valueAndGrads((...given: tf.Tensor[]) => {
        const missed = tf.sub(output(whole(given), inputs.ids as tf.Tensor), inputs.targets as tf.Tensor);
        return tf.mean(tf.square(missed)) as tf.Scalar;
      })(leaves.map(([, leaf]) => leaf));
      const { weightDecay } = optimizer;
      const numbers = inputs.optimizer as Readonly<Record<string, tf.Scalar>>;
      const next = leaves.map(([path, param], index) => {
        const call = { param, grad: grads[index] as tf.Tensor, slots: slots[keyOf(path)] ?? {}, inputs: numbers };
        return optimizer.update({ ...call, learningRate: inputs.learningRate as tf.Scalar, weightDecay });
      });
      return {
        state: {
          params: treeOf(leaves.map(([path], index) => [path, next[index]?.param as tf.Tensor])),
          slots: Object.fromEntries(leaves.map(([path], index) => [keyOf(path), next[index]?.slots])),
        } as Snapshot,
        metrics: { loss: value },
        outputs: Object.fromEntries(leaves.map(([path], index) => [path, grads[index] as tf.Tensor])),
      };
    },
    merge(state) {
      const adapter = adapterOf((state as unknown as State).params as Tree);
      const merged = targets.map((target) => [
        target.path,
        strategy.merge(adapter, target, weights.tensor(`${target.path}.weight`)),
      ]);
      return { state, metrics: {}, outputs: Object.fromEntries(merged) };
    },
  };
}

export type Found = { readonly shape: readonly number[]; readonly data: unknown } | undefined;

/** Shape and values of one tensor. */
export function expectNumbers(
  subject: string,
  found: Found,
  { shape, values, where }: Numbers & { readonly where?: string },
): void {
  expect(found?.shape, `${subject}: shape`).toEqual(shape);
  expectParity(subject, { actual: found?.data as ArrayLike<number>, expected: values, tolerance, where });
}

/** Every tensor of targets by path and part, and no other. */
export function expectLeaves(
  subject: string,
  found: Readonly<Record<string, Found>>,
  expected: Readonly<Record<string, Parts>>,
): void {
  const leaves = Object.entries(expected).flatMap(([path, parts]) =>
    Object.entries(parts).map(([part, numbers]) => [`${path}/${part}`, numbers] as const),
  );
  expect(Object.keys(found).sort(), subject).toEqual(leaves.map(([path]) => path).sort());
  for (const [path, numbers] of leaves) expectNumbers(subject, found[path], { ...numbers, where: path });
}
