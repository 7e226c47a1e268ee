import { tensorsOf } from '@peft/core';
import { requireClose } from '@peft/core/testing';
import { dropout } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { capture, checkGraph, estimateMemory, type Nested, replay, runPasses } from '../src/index.ts';
import { bertStep, bertValues, evenWeights, tinyBert } from './bertStep.ts';
import { type Captured, replayEngine } from './replayEngine.ts';
import { type ToyStep, toySteps, trainToy } from './toySteps.ts';

/** A replay after the passes rounds in another order than eager tfjs. */
const tolerance = 1e-6;
/** Adam divides by the root of squared gradients, which makes much of the rounding of the smallest. */
const deepTolerance = 1e-5;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function requireEqualTrees(actual: Nested<tf.Tensor>, expected: Nested<tf.Tensor>, within = tolerance): number {
  const [found, wanted] = [actual, expected].map((tree) => tensorsOf(tree as never)) as [tf.Tensor[], tf.Tensor[]];
  expect(found.length).toBe(wanted.length);
  for (const [index, tensor] of wanted.entries()) {
    requireClose(found[index]?.dataSync() ?? [], tensor.dataSync(), { what: `leaf ${index}`, tolerance: within });
  }
  return wanted.length;
}

function expectFewer({ raw, rewritten }: Captured): void {
  const isSmall = raw.nodes.length < 100;
  expect(rewritten.nodes.length).toBeLessThanOrEqual((isSmall ? 1 : 0.65) * raw.nodes.length);
  expect(rewritten.nodes.filter(({ op }) => op === 'Identity')).toEqual([]);
  expect(estimateMemory(rewritten).peak).toBeLessThanOrEqual(estimateMemory(raw).peak);
}

describe('a captured step gives what the eager step gives, at every step of a run', () => {
  it.each(Object.entries(toySteps))('%s', async (_, settings) => {
    const captures: Captured[] = [];
    let compared = 0;
    const compare = ({ eager, replayed }: Record<'eager' | 'replayed', Nested<tf.Tensor>>) => {
      compared += requireEqualTrees(replayed, eager);
    };
    const before = tf.memory().numTensors;
    await trainToy(settings, () => replayEngine({ onCapture: (captured) => captures.push(captured), compare }));
    expect(tf.memory().numTensors).toBe(before);
    expect(compared).toBeGreaterThan(8 * 10);
    for (const captured of captures) expectFewer(captured);
    expect(captures[0]?.raw.parameters).toHaveLength(4);
  });

  it('LoRA with dropout, on wasm', async () => {
    await tf.setBackend('wasm');
    let compared = 0;
    await trainToy(toySteps['LoRA with dropout'] as ToyStep, () =>
      replayEngine({
        compare: ({ eager, replayed }) => {
          compared += requireEqualTrees(replayed, eager, deepTolerance);
        },
      }),
    );
    await tf.setBackend('cpu');
    expect(compared).toBeGreaterThan(8 * 10);
  });
});

it("a whole step of an encoder of BERT's form, its weights read where they are", () => {
  const { run, inputs: types, parameters } = bertStep(tinyBert, evenWeights(tinyBert));
  const raw = capture(run, { inputs: types, parameters });
  const read = new Set(raw.parameters.map(({ source }) => source));
  expect(read).toEqual(new Set(Object.values(parameters)));
  const inputs = bertValues(tinyBert);
  const eager = tf.tidy(() => run(inputs as never)) as unknown as Nested<tf.Tensor>;
  for (const graph of [raw, runPasses(raw)]) {
    checkGraph(graph);
    const replayed = replay(graph, inputs as never);
    requireEqualTrees(replayed, eager, deepTolerance);
    tf.dispose(replayed as unknown as tf.TensorContainer);
  }
  tf.dispose([eager, inputs] as unknown as tf.TensorContainer);
});

it('a dropout mask is that of the eager run to the bit, by the backend and by the reference', () => {
  const x = tf.ones([4096]);
  const run = ({ key }: { key: tf.Tensor }) => ({ y: dropout(x, 0.3, key) });
  const graph = capture(run, { inputs: { key: { shape: [2], dtype: 'int32' } } });
  expect(tf.getKernel('PeftDropout', 'cpu')).toBeDefined();
  for (const words of [
    [0, 0],
    [-5, 7],
    [123456789, -2147483648],
  ]) {
    const key = tf.tensor1d(words, 'int32');
    const eager = run({ key }).y.dataSync();
    const outputs = [replay(graph, { key })];
    const kernel = tf.getKernel('PeftDropout', 'cpu');
    tf.unregisterKernel('PeftDropout', 'cpu');
    outputs.push(replay(graph, { key }));
    tf.registerKernel(kernel);
    for (const { y } of outputs) expect((y as tf.Tensor).dataSync()).toEqual(eager);
    expect(eager.filter((value) => value === 0).length / 4096).toBeCloseTo(0.3, 1);
    tf.dispose([key, outputs as never]);
  }
});
