import {
  type Engine,
  hostArray,
  layerKindOf,
  registerLayerKind,
  type StepFunction,
  type Target,
  Weights,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import golden from '../src/__fixtures__/lora.json' with { type: 'json' };
import { lora } from '../src/lora.ts';
import type { LoraParams } from '../src/loraParams.ts';
import { expectNumbers, type Numbers, type Parts } from './goldenCases.ts';

/** What Python PEFT computed under a dropout mask that is given. */
export interface GoldenMask {
  readonly dora: boolean;
  readonly mask: Numbers;
  readonly input: Numbers;
  readonly weight: Numbers;
  readonly upstream: Numbers;
  readonly initial: Parts;
  readonly output: Numbers;
  readonly gradients: Parts;
}

export const goldenMasks = golden.masked as unknown as readonly GoldenMask[];

/** Output and gradients of one layer on an engine; fails at the first that is not Python's. */
export async function checkGoldenMask(golden: GoldenMask, engine: Engine): Promise<void> {
  const target: Target = { path: 'only', kind: 'masked', shape: golden.weight.shape };
  const strategy = lora({ rank: 2, alpha: 3, dropout: 0.5, dora: golden.dora });
  const dense = layerKindOf({ ...target, kind: 'dense' });
  const parts = Object.keys(golden.initial);
  const step: StepFunction = (state, inputs) => {
    const { mask, weight, upstream, input, dropoutKey } = inputs as Record<string, tf.Tensor>;
    registerLayerKind({ ...dense, name: 'masked', dropout: (values) => tf.mul(values, mask as tf.Tensor) });
    const run = (given: tf.Tensor, ...leaves: readonly tf.Tensor[]) => {
      const only = Object.fromEntries(parts.map((part, index) => [part, leaves[index]]));
      const adapter = { params: { only } as unknown as LoraParams, state: {} };
      const frozen = { input: given, weight: weight as tf.Tensor, output: dense.apply(given, weight as tf.Tensor) };
      return strategy.forward(adapter, target, { ...frozen, training: true, dropoutKey: dropoutKey as tf.Tensor });
    };
    const given = [input, ...parts.map((part) => inputs[part])] as [tf.Tensor, ...tf.Tensor[]];
    const [inputGradient, ...gradients] = tf.grads((...all: tf.Tensor[]) =>
      tf.sum(tf.mul(run(...(all as [tf.Tensor])), upstream as tf.Tensor)),
    )(given) as [tf.Tensor, ...tf.Tensor[]];
    const byPart = Object.fromEntries(parts.map((part, index) => [part, gradients[index] as tf.Tensor]));
    return { state, metrics: {}, outputs: { output: run(...given), input: inputGradient, ...byPart } };
  };
  const { mask, weight, upstream, input, initial } = golden;
  const numbers = Object.entries({ mask, weight, upstream, input, ...initial });
  const program = await engine.compile({ step }, new Weights([]));
  const { outputs } = await program.run('step', {
    ...Object.fromEntries(numbers.map(([name, { values, shape }]) => [name, hostArray(values, shape)])),
    dropoutKey: hostArray(Int32Array.of(0, 0)),
  });
  program.dispose();
  const method = `${golden.dora ? 'DoRA' : 'LoRA'} under a dropout mask`;
  expectNumbers(`${method}: outputs and gradients`, outputs.output, golden.output);
  for (const part of ['input', ...parts])
    expectNumbers(`${method}: outputs and gradients`, outputs[part], golden.gradients[part] as Numbers);
}
