import { type Graph, type HostTensor, runPasses } from '@peft/graph';
import { captureCase, opCases } from '@peft/graph/test';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { planGraph } from '../../src/plan/planGraph.ts';
import { runPlan } from '../plan/runPlan.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedDescription } from '../simulator/simulatedDescription.ts';

/** Float32 through sums of a few dozen terms; tfjs's error function is good to 1.5e-7 itself. */
const tolerance = 3e-5;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

simulated('whole graphs, planned and run on the host, give the outputs and gradients of eager tfjs', () => {
  it.each(Object.entries(opCases))('%s', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, fc.nat(1e6), (each, seed) => {
        const { inputs, eager, graph } = captureCase(each, seed);
        expectPlan(runPasses(graph), inputs, eager);
        tf.dispose([inputs, eager]);
      }),
      { numRuns: 3 },
    );
  });
});

type Tensors = Readonly<Record<string, tf.Tensor>>;

function expectPlan(graph: Graph, inputs: Tensors, eager: Tensors): void {
  const host = new Map(
    Object.entries(inputs).map(([name, tensor]): [string, HostTensor] => [
      name,
      { shape: tensor.shape, dtype: tensor.dtype as HostTensor['dtype'], data: tensor.dataSync() },
    ]),
  );
  const plan = planGraph(graph, { device: simulatedDescription, precision: 'float32', hasProductLibrary: true });
  const results = runPlan(plan, { graph, inputs: host, order: { seed: 7 } });
  for (const { name, value } of graph.outputs) {
    // What is an input passed through is no result of the plan.
    if (graph.inputs.some((input) => input.name === name && input.value === value)) continue;
    const [found, wanted] = [results.get(`outputs/${name}`), eager[name]?.dataSync() as ArrayLike<number>];
    expect(found?.length, name).toBe(wanted.length);
    for (let i = 0; i < wanted.length; i++) {
      const [is, shouldBe] = [Number(found?.[i]), Number(wanted[i])];
      if (Object.is(is, shouldBe) || is === shouldBe) continue;
      const isNear = Math.abs(is - shouldBe) <= tolerance * (1 + Math.abs(shouldBe));
      if (!isNear) expect.fail(`${name}[${i}] is ${is}, not ${shouldBe}`);
    }
  }
}
