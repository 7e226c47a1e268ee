import { leavesOf } from '@peft/core';
import { gradientsOf, gradientTrainings, toyTransformers } from '@peft/engines';
import {
  checkGraph,
  evaluate,
  flashAttention,
  type Graph,
  type HostTensor,
  runPasses,
  standardPasses,
} from '@peft/graph';
import { replayEngine } from '@peft/graph/test';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const passes = [...standardPasses, flashAttention];

const countOf = (graph: Graph, op: string) => graph.nodes.filter((node) => node.op === op).length;

function hostTensors(tree: object): ReadonlyMap<string, HostTensor> {
  return new Map(
    leavesOf(tree as never).flatMap(([path, leaf]: readonly [string, unknown]) =>
      leaf instanceof tf.Tensor
        ? [[path, { shape: leaf.shape, dtype: leaf.dtype, data: leaf.dataSync() } as HostTensor] as const]
        : [],
    ),
  );
}

describe.each(Object.entries(toyTransformers))('a training step of %s', (_, make) => {
  it.each(Object.entries(gradientTrainings))('makes the same without probabilities, %s', async (__, options) => {
    const steps: { readonly raw: Graph; readonly inputs: ReadonlyMap<string, HostTensor> }[] = [];
    const engine = replayEngine({
      onCapture: ({ raw }, given) => void steps.push({ raw, inputs: hostTensors(given) }),
    });
    await gradientsOf(make(), options(make()), engine);
    const training = steps.filter(({ raw }) => countOf(raw, 'PeftAttentionGrad') > 0);
    expect(training).toHaveLength(1);
    for (const { raw, inputs } of training) {
      const before = runPasses(raw);
      const after = runPasses(raw, { passes });
      checkGraph(after);
      expect(countOf(before, 'PeftAttention')).toBe(2);
      expect([countOf(after, 'PeftAttention'), countOf(after, 'PeftAttentionGrad')]).toEqual([0, 0]);
      expect([countOf(after, 'PeftFlashAttention'), countOf(after, 'PeftFlashAttentionGrad')]).toEqual([2, 2]);
      const expected = evaluate(before, inputs);
      for (const [name, { data }] of evaluate(after, inputs)) {
        const wanted = expected.get(name) as HostTensor;
        for (let index = 0; index < data.length; index++) {
          expect(data[index], `${name}[${index}]`).toBeCloseTo(wanted.data[index] as number, 8);
        }
      }
    }
  });
});
