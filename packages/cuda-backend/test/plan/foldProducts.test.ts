import { capture, evaluate, type Graph, type HostTensor, type OutputTree, runPasses } from '@peft/graph';
import { matMul, uniforms } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { planGraph } from '../../src/plan/planGraph.ts';
import { simulated } from '../simulator/simulated.ts';
import { simulatedDescription } from '../simulator/simulatedDescription.ts';
import { describeCommands } from './describeCommands.ts';
import { runPlan } from './runPlan.ts';

const shapes = { x: [4, 4], w: [4, 4], row: [4], down: [4, 2], up: [2, 4], wide: [4, 8] } as const;

type Given = Readonly<Record<keyof typeof shapes, tf.Tensor>>;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** What is written, and what runs instead of it. */
const folded: Readonly<Record<string, readonly [(given: Given) => tf.Tensor, readonly string[]]>> = {
  'a multiple of a product is its alpha': [({ x, w }) => tf.mul(matMul(x, w), 3), ['3 a b']],
  'a multiple of a factor, even under another shape, is its alpha': [
    ({ x, w }) => tf.mul(matMul(tf.reshape(tf.mul(tf.reshape(x, [2, 8]), 2), [4, 4]), tf.mul(w, 0.5)), 3),
    ['3 a b'],
  ],
  'a row that is added is its bias': [({ x, w, row }) => tf.add(row, matMul(x, w)), ['a b + bias']],
  'a bias stays outside of a multiple': [
    ({ x, w, row }) => tf.mul(tf.add(matMul(x, w), row), 3),
    ['a b + bias', 'elementFloat'],
  ],
  'what is added is its addend': [({ x, w }) => tf.add(matMul(x, w), x), ['a b + addend']],
  'bias and addend together, a product with a low-rank one': [
    ({ x, w, row, down, up }) => tf.add(tf.add(matMul(x, w), row), tf.mul(matMul(matMul(x, down), up), 2)),
    ['a b + bias', 'a b', '2 a b + addend'],
  ],
  'a sum of three products': [
    ({ x, w }) => tf.add(tf.add(matMul(x, w), matMul(w, x)), matMul(x, x)),
    ['a b', 'a b + addend', 'a b + addend'],
  ],
  'an addend under another shape': [
    ({ x, w }) => tf.tanh(tf.add(tf.reshape(matMul(x, w), [2, 8]), tf.reshape(w, [2, 8]))),
    ['a b + addend', 'elementFloat'],
  ],
  'a column is no bias': [
    ({ x, w }) => tf.add(matMul(x, w), tf.reshape(tf.slice(x, [0, 0], [4, 1]), [4, 1])),
    ['a b', 'copyStrided', 'elementFloat'],
  ],
  'a product that others read too is made': [
    ({ x, w }) => {
      const product = matMul(x, w);
      return tf.mul(tf.add(product, x), tf.exp(product));
    },
    ['a b', '2 of elementFloat', 'elementFloat'],
  ],
  'columns of a split matrix are read where they lie': [
    ({ wide, w, x }) => {
      const [left, right] = tf.split(wide, 2, 1) as [tf.Tensor, tf.Tensor];
      return tf.add(matMul(left, w), matMul(x, right, true, true));
    },
    ['a b', 'a b + addend'],
  ],
  'products that are joined are written side by side': [
    ({ x, w, down }) => tf.concat([tf.mul(matMul(x, down), 2), matMul(x, w), matMul(w, down)], 1),
    ['2 a b', 'a b', 'a b'],
  ],
  'products that are joined by rows are copied': [
    ({ x, w }) => tf.concat([matMul(x, w), matMul(w, x)], 0),
    ['a b', 'a b', 'moveParts'],
  ],
};

simulated('products take over what surrounds them', () => {
  it.each(Object.entries(folded))('%s', (_, [run, expected]) => {
    const graph = captured(run);
    const plan = planGraph(graph, { device: simulatedDescription, precision: 'float32', hasProductLibrary: true });
    const found = describeCommands(plan.commands).filter((each) => !each.startsWith('product'));
    expect(found.toSorted()).toEqual(expected.toSorted());
    const results = runPlan(plan, { graph, inputs });
    const expectedResults = evaluate(graph, inputs);
    expect([...results.keys()]).toEqual([...expectedResults.keys()]);
    for (const [name, { data }] of expectedResults) {
      const result = results.get(name) as Float32Array;
      expect(result.length).toBe(data.length);
      for (const [place, value] of result.entries()) expect(value).toBeCloseTo(data[place] as number, 4);
    }
  });
});

const inputs: ReadonlyMap<string, HostTensor> = new Map(
  Object.entries(shapes).map(([name, shape], index) => {
    const size = shape.reduce((count: number, length) => count * length, 1);
    return [`inputs/${name}`, { shape, dtype: 'float32', data: uniforms(index, size) }];
  }),
);

function captured(run: (given: Given) => tf.Tensor): Graph {
  const types = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape, dtype: 'float32' }]));
  const step = (given: unknown) => {
    const y = run((given as { inputs: Given }).inputs);
    // Read by a product, the result cannot wait; the last product can, and runs on a kernel.
    return { outputs: { y, last: matMul(y, y, true, false) } } as OutputTree;
  };
  return runPasses(capture(step as never, { inputs: { inputs: types } }));
}
