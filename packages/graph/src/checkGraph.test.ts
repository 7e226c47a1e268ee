import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { capture } from './capture/capture.ts';
import { checkGraph } from './checkGraph.ts';
import type { Graph, Node } from './graph.ts';

let graph: Graph;
let weight: tf.Tensor;

beforeAll(async () => {
  await tf.setBackend('cpu');
  weight = tf.tensor1d([1, 2, 3]);
  graph = capture(({ x }) => ({ y: tf.tanh(tf.add(tf.mul(x, weight), tf.tensor1d([4, 5, 6]))) }), {
    inputs: { x: { shape: [2, 3], dtype: 'float32' } },
    parameters: { w: weight },
  });
});

function problemsOf(changed: Partial<Graph>): string {
  try {
    checkGraph({ ...graph, ...changed });
  } catch (error) {
    return (error as Error).message.replace('the graph is not legal; please report it:\n', '');
  }
  return 'legal';
}

const node = (index: number, changes: object) =>
  graph.nodes.map((each, place) => (place === index ? ({ ...each, ...changes } as Node) : each));

it('a captured graph is legal', () => {
  expect(problemsOf({})).toBe('legal');
});

it('lists every fault of a graph', () => {
  const [mul, add, tanh] = graph.nodes as [Node, Node, Node];
  expect(problemsOf({ nodes: [add, mul, tanh] })).toBe('  node 0 (Add) reads input 0 before it is made');
  expect(problemsOf({ nodes: [mul, add] })).toBe('  output "y" is never made');
  expect(problemsOf({ nodes: [mul, add, tanh, tanh] })).toBe('  node 3 (Tanh) makes a value that was made before');
  expect(problemsOf({ nodes: node(2, { op: 'Sum', attributes: { axis: [0], keepDims: false } }) })).toBe(
    '  node 2 (Sum) makes float32[2,3], its inputs give float32[3]',
  );
  expect(problemsOf({ nodes: node(2, { op: 'Conv2D' }) })).toBe('  node 2 (Conv2D) is no operation of the op table');
  expect(problemsOf({ nodes: node(2, { op: 'Sqrt', outputs: [...tanh.outputs, { shape: [], dtype: 'bool' }] }) })).toBe(
    '  node 2 (Sqrt) has 2 outputs, not 1',
  );
  expect(problemsOf({ nodes: node(2, { op: 'LogicalNot' }) })).toBe(
    '  node 2 (LogicalNot): an input is float32, which must be bool; cast it.',
  );
  const [constant] = graph.constants;
  expect(problemsOf({ constants: constant ? [{ ...constant, data: Float32Array.of(1) }] : [] })).toBe(
    '  constant float32[3] has 1 values',
  );
  const [parameter] = graph.parameters;
  expect(problemsOf({ parameters: parameter ? [{ ...parameter, source: new Float32Array(2) }] : [] })).toBe(
    '  parameter "w" is float32[3] of 2 values',
  );
  const twice = [...graph.inputs, { name: 'x', value: { shape: [], dtype: 'float32' as const } }];
  expect(problemsOf({ inputs: twice, outputs: [...graph.outputs, ...graph.outputs] })).toBe(
    '  the name "x" is used twice\n  the name "y" is used twice',
  );
});
