import { matMul, uniforms } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Captured, capture, type InputTypes, type OutputTree } from '../capture/capture.ts';
import { checkGraph } from '../checkGraph.ts';
import { evaluate } from '../evaluate.ts';
import type { Graph } from '../graph.ts';
import { sizeOf } from '../tensorType.ts';
import { commonSubexpressions } from './commonSubexpressions.ts';
import { runPasses, standardPasses } from './runPasses.ts';
import { scalesIntoFactors } from './scalesIntoFactors.ts';

const [rows, size, rank] = [40, 6, 3];
const shapes = { x: [rows, size], a: [size, rank], scale: [rank], b: [rank, size] } as const;
type Given = Readonly<Record<keyof typeof shapes, tf.Tensor>>;

const types = Object.fromEntries(
  Object.entries(shapes).map(([name, shape]) => [name, { shape, dtype: 'float32' }]),
) as InputTypes;
const inputs = new Map(
  Object.entries(shapes).map(([name, shape], index) => [
    name,
    { shape, dtype: 'float32' as const, data: uniforms(index, sizeOf(shape)).map((u) => u - 0.4) },
  ]),
);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** The gradients of all four of an adapter with a scale between its factors. */
function captured(forward: (given: Given) => tf.Tensor, wanted: readonly (keyof Given)[]): Graph {
  const run = (given: Captured<InputTypes>) => {
    const all = given as unknown as Given;
    const grads = tf.grads((...some) => {
      const leaves = Object.fromEntries(wanted.map((name, index) => [name, some[index]]));
      return tf.sum(tf.square(forward({ ...all, ...leaves })));
    })(wanted.map((name) => all[name]));
    return { y: forward(all), ...Object.fromEntries(grads.map((grad, index) => [wanted[index], grad])) } as OutputTree;
  };
  return capture(run, { inputs: types });
}

/** Equal values are one before it looks for readers, and products are joined after. */
const passes = standardPasses.flatMap((pass) =>
  pass.name === 'groupProducts' ? [commonSubexpressions, scalesIntoFactors, pass] : [pass],
);

const adapter = ({ x, a, scale, b }: Given) => matMul(tf.mul(matMul(x, a), scale), b);

/** Elementwise operations and sums over tensors with a row for each of x. */
const tall = ({ nodes }: Graph) =>
  nodes.filter(({ op, inputs: [first] }) => op !== 'PeftMatMul' && first?.shape[0] === rows && first.shape[1] === rank);

const productsOf = ({ nodes }: Graph) => nodes.filter(({ op }) => op === 'PeftMatMul').length;

function expectSame(before: Graph, after: Graph): void {
  checkGraph(after);
  const [expected, found] = [evaluate(before, inputs), evaluate(after, inputs)];
  for (const [name, { data }] of expected) {
    const other = found.get(name)?.data as ArrayLike<number>;
    expect(other.length).toBe(data.length);
    for (let index = 0; index < data.length; index++) expect(other[index]).toBeCloseTo(data[index] as number, 9);
  }
}

describe('scalesIntoFactors', () => {
  it('scales the small factor, forward and in every gradient, by no more products', () => {
    const before = captured(adapter, ['x', 'a', 'scale', 'b']);
    const standard = runPasses(before);
    const after = runPasses(before, { passes });
    expectSame(before, after);
    expect(tall(standard).map(({ op }) => op)).toEqual(['Multiply', 'Multiply', 'Multiply', 'Sum']);
    expect(tall(after)).toEqual([]);
    expect(productsOf(after)).toBe(productsOf(standard));
  });

  const others: Readonly<Record<string, readonly [(given: Given) => tf.Tensor, readonly (keyof Given)[]]>> = {
    'only the gradient of the other factors is wanted': [adapter, ['a', 'b']],
    'two adapters read the same': [
      (given) => tf.add(adapter(given), adapter({ ...given, a: tf.mul(given.a, 2), b: tf.neg(given.b) })),
      ['x', 'a', 'scale', 'b'],
    ],
    'the scale is a constant multiple of it': [
      (given) => adapter({ ...given, scale: tf.mul(given.scale, 0.5) }),
      ['x', 'a', 'scale', 'b'],
    ],
  };

  it.each(Object.entries(others))('computes the same where %s', (_, [forward, wanted]) => {
    const before = captured(forward, wanted);
    const after = runPasses(before, { passes });
    expectSame(before, after);
    expect(tall(after)).toEqual([]);
  });

  it('leaves a product alone that others read, and rows that scale', () => {
    const shared = runPasses(
      captured((given) => tf.concat([adapter(given), tf.tanh(matMul(given.x, given.a))], 1), ['a', 'scale', 'b']),
    );
    expect(scalesIntoFactors.rewrite(shared)).toBe(shared);
    const column = captured(
      ({ x, a, b }) => matMul(tf.mul(matMul(x, a), tf.slice(x, [0, 0], [rows, 1])), b),
      ['a', 'b'],
    );
    expect(scalesIntoFactors.rewrite(column)).toBe(column);
  });
});
