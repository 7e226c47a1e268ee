import {
  adamw,
  adaptedAt,
  hostArray,
  layerKindOf,
  leavesOf,
  type Model,
  registerLayerKind,
  type Slots,
  type Target,
  type Tree,
  toTensor,
  treeOf,
  Weights,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { onEachBackend } from '../test/onEachBackend.ts';
import { relativeError } from '../test/relativeError.ts';
import golden from './__fixtures__/lora.json' with { type: 'json' };
import { lora } from './lora.ts';
import type { LoraParams } from './loraParams.ts';
import { optionsOfConfig } from './optionsOfConfig.ts';

/** torch computed in float64; here every kernel rounds to float32, and AdamW divides by gradients that may be small. */
const TOLERANCE = 1e-5;

type Numbers = { readonly shape: readonly number[]; readonly values: readonly number[] };
type Parts = Readonly<Record<string, Numbers>>;

/** The fixture as it is, whose JSON type is a union of every case's keys. */
const cases = golden.cases as unknown as readonly {
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
}[];

const arrayOf = ({ values, shape }: Numbers) => hostArray(values, shape);
const upload = (numbers: Numbers) => toTensor(arrayOf(numbers));
const camelCase = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const strategyOf = (settings: Readonly<Record<string, unknown>>) =>
  lora(optionsOfConfig(Object.fromEntries(Object.entries(settings).map(([name, value]) => [camelCase(name), value]))));
const paramsOf = (byTarget: Readonly<Record<string, Parts>>) =>
  Object.fromEntries(
    Object.entries(byTarget).map(([path, parts]) => [
      path,
      Object.fromEntries(Object.entries(parts).map(([part, numbers]) => [part, upload(numbers)])),
    ]),
  ) as LoraParams;

function expectEqual(actual: tf.Tensor, expected: Numbers, what: string): void {
  expect(actual.shape, what).toEqual(expected.shape);
  expect(relativeError(actual.dataSync(), expected.values), what).toBeLessThan(TOLERANCE);
}

function expectEqualTree(actual: Tree, expected: Readonly<Record<string, Parts>>, what: string): void {
  const leaves = Object.entries(expected).flatMap(([path, parts]) =>
    Object.entries(parts).map(([part, numbers]) => [`${path}/${part}`, numbers] as const),
  );
  const found = new Map(leavesOf(actual));
  expect([...found.keys()].sort()).toEqual(leaves.map(([path]) => path).sort());
  for (const [path, numbers] of leaves) expectEqual(found.get(path) as tf.Tensor, numbers, `${what} ${path}`);
}

const modules: readonly Target[] = Object.entries(golden.base)
  .filter(([path]) => path.endsWith('.weight'))
  .map(([path, { shape }]) => ({
    path: path.replace('.weight', ''),
    kind: path === 'embed.weight' ? 'embedding' : 'dense',
    shape,
  }));
const targetsOf = (paths: readonly string[]) => modules.filter(({ path }) => paths.includes(path));
const base = new Weights(Object.entries(golden.base).map(([path, numbers]) => [path, arrayOf(numbers)]));
const apply: Model['apply'] = ({ ids }, at) => {
  const hidden = tf.tanh(at.linear('layer.0.dense', at.embedding('embed', ids as tf.Tensor)));
  return at.linear('layer.1.dense', hidden);
};
const batch = () => ({ ids: tf.tensor2d(golden.batch.ids, undefined, 'int32') });

function train(params: Tree, count: number, loss: (params: Tree) => tf.Scalar) {
  const optimizer = adamw({ weightDecay: golden.adamw.weight_decay, epsilon: golden.adamw.eps });
  const { weightDecay } = optimizer;
  const learningRate = tf.scalar(golden.adamw.lr);
  const slots = new Map<string, Slots>();
  const losses: number[] = [];
  const gradients: Tree[] = [];
  let current = params;
  for (let step = 1; step <= count; step++) {
    const leaves = leavesOf(current);
    const whole = (given: readonly tf.Tensor[]) =>
      treeOf(leaves.map(([path], index) => [path, given[index] as tf.Tensor])) as Tree;
    const { value, grads } = tf.valueAndGrads((...given: tf.Tensor[]) => loss(whole(given)))(
      leaves.map(([, leaf]) => leaf),
    );
    losses.push(value.dataSync()[0] as number);
    gradients.push(whole(grads));
    const numbers = Object.entries(optimizer.inputs(step));
    const inputs = Object.fromEntries(numbers.map(([name, number]) => [name, tf.scalar(number)]));
    current = treeOf(
      leaves.map(([path, param], index) => {
        const own = slots.get(path) ?? optimizer.init(param);
        const grad = grads[index] as tf.Tensor;
        const updated = optimizer.update({ param, grad, slots: own, learningRate, inputs, weightDecay });
        slots.set(path, updated.slots);
        return [path, updated.param];
      }),
    ) as Tree;
  }
  return { losses, gradients, params: current };
}

onEachBackend(() => {
  it('has the base that torch has', () => {
    tf.tidy(() => expectEqual(apply(batch(), adaptedAt({ weights: base, modules })), golden.baseOutput, 'output'));
  });

  it.each(cases.map((one) => [one.name, one] as const))('%s: outputs, gradients, five steps, merge', (_, one) => {
    tf.tidy(() => {
      const strategy = strategyOf(one.settings);
      const targets = targetsOf(one.targets);
      const output = (params: Tree) =>
        apply(batch(), adaptedAt({ weights: base, modules, targets, strategy, adapter: { params, state: {} } }));
      const labels = upload(golden.batch.targets);
      const initial = paramsOf(one.initial);
      expectEqual(output(initial as Tree), one.output, 'output');

      const trained = train(initial as Tree, one.losses.length, (params) =>
        tf.mean(tf.square(tf.sub(output(params), labels))),
      );
      expectEqualTree(trained.gradients[0] as Tree, one.gradients, 'gradient of');
      for (const [index, loss] of one.losses.entries()) {
        expect(relativeError([trained.losses[index] as number], [loss]), `loss ${index}`).toBeLessThan(TOLERANCE);
      }
      expectEqualTree(trained.params, one.final, 'trained');
      expectEqual(output(trained.params), one.finalOutput, 'trained output');

      const adapter = { params: trained.params as LoraParams, state: {} };
      for (const target of targets) {
        const merged = strategy.merge(adapter, target, base.tensor(`${target.path}.weight`));
        expectEqual(merged, one.merged[target.path] as Numbers, `merged ${target.path}`);
      }
    });
  });

  it.each(cases.map((one) => [one.name, one] as const))('%s: fresh shapes and magnitudes', (_, one) => {
    const context = {
      targets: targetsOf(one.targets),
      seed: 3,
      totalSteps: 5,
      weightOf: ({ path }: Target) => base.tensor(`${path}.weight`),
    };
    tf.tidy(() => {
      const { params } = strategyOf(one.settings).init(context);
      for (const [path, parts] of Object.entries(one.initial)) {
        const shapes = Object.entries(params[path] ?? {}).map(([part, tensor]) => [part, tensor.shape]);
        expect(Object.fromEntries(shapes)).toEqual(
          Object.fromEntries(Object.entries(parts).map(([part, { shape }]) => [part, shape])),
        );
        if (!one.freshMagnitudes[path]) continue;
        const { magnitude } = params[path] as { magnitude: tf.Tensor };
        expectEqual(magnitude, one.freshMagnitudes[path], `magnitude of ${path}`);
      }
    });
  });

  it.each(golden.masked.map((one) => [one.dora, one] as const))('under a given dropout mask, dora %s', (dora, one) => {
    const target: Target = { path: 'only', kind: 'masked', shape: one.weight.shape };
    const dense = layerKindOf({ ...target, kind: 'dense' });
    tf.tidy(() => {
      const mask = upload(one.mask);
      registerLayerKind({ ...dense, name: 'masked', dropout: (input) => tf.mul(input, mask) });
      const strategy = lora({ rank: 2, alpha: 3, dropout: 0.5, dora });
      const weight = upload(one.weight);
      const parts = Object.entries(one.initial);
      const run = (input: tf.Tensor, ...given: tf.Tensor[]) => {
        const only = Object.fromEntries(parts.map(([part], index) => [part, given[index]]));
        const adapter = { params: { only } as unknown as LoraParams, state: {} };
        const output = dense.apply(input, weight);
        const dropoutKey = tf.tensor1d([0, 0], 'int32');
        return strategy.forward(adapter, target, { input, weight, output, training: true, dropoutKey });
      };
      const given = [one.input, ...parts.map(([, numbers]) => numbers)].map(upload);
      expectEqual(run(...(given as [tf.Tensor])), one.output, 'output');
      const gradients = tf.grads((...all: tf.Tensor[]) =>
        tf.sum(tf.mul(run(...(all as [tf.Tensor])), upload(one.upstream))),
      )(given);
      ['input', ...parts.map(([part]) => part)].forEach((part, index) => {
        expectEqual(gradients[index] as tf.Tensor, (one.gradients as Parts)[part] as Numbers, `gradient of ${part}`);
      });
    });
  });
});
