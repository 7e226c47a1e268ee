import { matMul } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bertStep, bertValues, evenWeights, tinyBert } from '../../test/bertStep.ts';
import { capture, type OutputTree } from '../capture/capture.ts';
import { checkGraph } from '../checkGraph.ts';
import { estimateMemory } from '../estimateMemory.ts';
import type { Graph } from '../graph.ts';
import { nodeCost } from '../nodeCost.ts';
import { printGraph } from '../printGraph.ts';
import { type InputTensors, replay } from '../replay.ts';
import { commonSubexpressions } from './commonSubexpressions.ts';
import { recompute } from './recompute.ts';
import { runPasses } from './runPasses.ts';
import { schedule } from './schedule.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const floats = (...shape: readonly number[]) => ({ shape, dtype: 'float32' });
const costOf = ({ nodes }: Graph) => nodes.reduce((sum, node) => sum + nodeCost(node), 0);
const peakOf = (graph: Graph) => estimateMemory(graph).peak;

const step = (batch = tinyBert.batch) => {
  const sizes = { ...tinyBert, batch, sequence: 16 };
  const { run, inputs, parameters } = bertStep(sizes, evenWeights(sizes));
  return { sizes, graph: runPasses(capture(run as never, { inputs, parameters })) };
};

function valuesOf(graph: Graph, inputs: InputTensors): readonly number[][] {
  const tree = replay(graph, inputs);
  const tensors = graph.outputs.map(({ name }) =>
    name.split('/').reduce<unknown>((level, key) => (level as never)[key], tree),
  );
  const values = (tensors as tf.Tensor[]).map((tensor) => [...tensor.dataSync()]);
  tf.dispose(tensors as tf.Tensor[]);
  return values;
}

describe('recompute', () => {
  it('makes a value again after the peak, from what is there or cheap', () => {
    const run = ({ x, w }: { x: tf.Tensor; w: tf.Tensor }): OutputTree => {
      const early = tf.exp(tf.tanh(x));
      const wide = matMul(tf.relu(x), w);
      const late = matMul(tf.square(wide), w, false, true);
      return { y: tf.sum(tf.mul(early, late)) };
    };
    const graph = capture(run as never, { inputs: { x: floats(4, 8), w: floats(8, 64) } });
    const after = recompute({ budgetBytes: 0 }).rewrite(graph);
    checkGraph(after);
    expect([peakOf(graph), peakOf(after)]).toMatchInlineSnapshot(`
      [
        2176,
        2048,
      ]
    `);
    expect(printGraph(after)).toMatchInlineSnapshot(`
      "%0: float32[4,8] = input "x"
      %1: float32[8,64] = input "w"
      %2: float32[4,8] = Relu(%0)
      %3: float32[4,64] = PeftMatMul(%2, %1) { transposeA: false, transposeB: false }
      %4: float32[4,64] = Square(%3)
      %5: float32[4,8] = PeftMatMul(%4, %1) { transposeA: false, transposeB: true }
      %6: float32[4,8] = Tanh(%0)
      %7: float32[4,8] = Exp(%6)
      %8: float32[4,8] = Multiply(%7, %5)
      %9: float32[] = Sum(%8) { axis: [0,1], keepDims: false }
      return { "y": %9 }
      "
    `);
  });

  it('goes no further than the budget, each step down for more operations, and gives the same bits', () => {
    const { sizes, graph } = step();
    const inputs = bertValues(sizes);
    const expected = valuesOf(graph, inputs);
    const peak = peakOf(graph);
    const rows = [1, 0.85, 0.7].map((share) => {
      const after = recompute({ budgetBytes: share * peak }).rewrite(graph);
      checkGraph(after);
      expect(peakOf(after)).toBeLessThanOrEqual(share * peak);
      expect(valuesOf(after, inputs)).toEqual(expected);
      expect(recompute({ budgetBytes: share * peak }).rewrite(after)).toBe(after);
      return { nodes: after.nodes.length, cost: costOf(after) };
    });
    expect(rows[0]?.nodes).toBe(graph.nodes.length);
    expect(rows[1]?.cost).toBeGreaterThan(rows[0]?.cost as number);
    expect(rows[2]?.cost).toBeGreaterThan(rows[1]?.cost as number);
    expect(rows[2]?.cost).toBeLessThan(1.5 * (rows[0]?.cost as number));
    tf.dispose(inputs as never);
  });

  it('ends at the least it knows where the budget is out of reach; merging equal computations undoes it', () => {
    const { graph } = step(1);
    const least = recompute({ budgetBytes: 0 }).rewrite(graph);
    expect(peakOf(least)).toBeLessThan(0.7 * peakOf(graph));
    expect(recompute({ budgetBytes: 0 }).rewrite(least)).toBe(least);
    expect(commonSubexpressions.rewrite(least).nodes.length).toBe(graph.nodes.length);
  });
});

describe('schedule', () => {
  const run = ({ a, b, x }: { a: tf.Tensor; b: tf.Tensor; x: tf.Tensor }): OutputTree => {
    const grads = [a, b].map((each) => matMul(x, each, true));
    const [first, second] = grads.map((grad) => tf.sum(tf.square(grad)));
    return { first: first as tf.Tensor, second: second as tf.Tensor };
  };
  const graph = () => capture(run as never, { inputs: { a: floats(4, 8), b: floats(4, 8), x: floats(4, 8) } });

  it('uses up a value as soon as it is there', () => {
    const after = schedule.rewrite(graph());
    checkGraph(after);
    expect([peakOf(graph()), peakOf(after)]).toEqual([768, 516]);
    expect(after.nodes.map(({ op }) => op)).toEqual(['PeftMatMul', 'Square', 'Sum', 'PeftMatMul', 'Square', 'Sum']);
  });

  it('leaves a graph that it would not improve', () => {
    const once = schedule.rewrite(graph());
    expect(schedule.rewrite(once)).toBe(once);
    const { graph: whole } = step(1);
    expect(schedule.rewrite(whole)).toBe(whole);
  });
});
