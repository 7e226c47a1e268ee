import { attention } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { bertStep, bertValues, evenWeights, tinyBert } from '../../test/bertStep.ts';
import { type Captured, capture, type InputTypes, type OutputTree } from '../capture/capture.ts';
import { checkGraph } from '../checkGraph.ts';
import { evaluate } from '../evaluate.ts';
import type { Graph } from '../graph.ts';
import type { HostTensor } from '../ops/opRow.ts';
import { printGraph } from '../printGraph.ts';
import { sizeOf } from '../tensorType.ts';
import { flashAttention, flashAttentionUpTo } from './flashAttention.ts';
import { runPasses, standardPasses } from './runPasses.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const passes = [...standardPasses, flashAttention];

const countOf = (graph: Graph, op: string) => graph.nodes.filter((node) => node.op === op).length;

type Names = 'query' | 'key' | 'value';
type Named = Readonly<Record<Names, tf.Tensor>>;

const stack = { shape: [2, 3, 4], dtype: 'float32' };
const stacks: InputTypes = { query: stack, key: stack, value: stack };

const gradientsOf = (names: readonly Names[], run: (given: Named) => tf.Tensor) => (given: Captured<InputTypes>) => {
  const all = given as unknown as Named;
  const grads = tf.grads((...some) =>
    tf.sum(tf.square(run({ ...all, ...Object.fromEntries(some.map((each, index) => [names[index], each])) }))),
  )(names.map((name) => all[name]));
  return Object.fromEntries(grads.map((grad, index) => [names[index], grad])) as OutputTree;
};

it('one operation attends, one makes all that its gradient is', () => {
  const run = gradientsOf(['query', 'key', 'value'], ({ query, key, value }) => attention(query, key, value));
  const after = runPasses(capture(run, { inputs: stacks }), { passes });
  checkGraph(after);
  expect(printGraph(after)).toMatchInlineSnapshot(`
    "%0: float32[2,3,4] = input "query"
    %1: float32[2,3,4] = input "key"
    %2: float32[2,3,4] = input "value"
    %3: float32[] = constant 2
    %4: float32[2,3,4], %5: float32[2,3,2] = PeftFlashAttention(%0, %1, %2) { scale: 0.5, causal: false, tokensFirst: false }
    %6: float32[2,3,4] = Multiply(%4, %3)
    %7: float32[2,3,4], %8: float32[2,3,4], %9: float32[2,3,4] = PeftFlashAttentionGrad(%0, %1, %2, %4, %5, %6) { scale: 0.5, causal: false, tokensFirst: false }
    return { "query": %7, "key": %8, "value": %9 }
    "
  `);
});

it('tokens stay first in query, key and value of one product, and in the gradient of that', () => {
  const types: InputTypes = { packed: { shape: [2, 5, 3, 4, 6], dtype: 'float32' } };
  const run = (given: Captured<InputTypes>) => {
    const grad = tf.grad((packed) => {
      const [query, key, value] = tf.unstack(tf.transpose(packed, [2, 0, 3, 1, 4])) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      return tf.sum(tf.square(tf.transpose(attention(query, key, value, { causal: true }), [0, 2, 1, 3])));
    })(given.packed as unknown as tf.Tensor);
    return { grad } as OutputTree;
  };
  const before = capture(run, { inputs: types });
  const after = runPasses(before, { passes });
  checkGraph(after);
  expect(after.nodes.map(({ op }) => op)).toEqual([
    'Unpack',
    'PeftFlashAttention',
    'Multiply',
    'PeftFlashAttentionGrad',
    'Pack',
  ]);
  expect(after.nodes.map(({ attributes }) => (attributes as { axis?: number }).axis)).toEqual([
    2,
    undefined,
    undefined,
    undefined,
    2,
  ]);
  const size = 2 * 5 * 3 * 4 * 6;
  const data = Float32Array.from({ length: size }, (_, index) => Math.sin(index));
  const inputs = new Map([['packed', { shape: [2, 5, 3, 4, 6], dtype: 'float32', data } as HostTensor]]);
  const expected = evaluate(before, inputs).get('grad')?.data as ArrayLike<number>;
  const found = evaluate(after, inputs).get('grad')?.data as ArrayLike<number>;
  expect(found.length).toBe(size);
  for (let index = 0; index < size; index++) expect(found[index]).toBeCloseTo(expected[index] as number, 10);
});

it('tokens stay first where they lie so', () => {
  const types = { query: { shape: [2, 5, 3, 4], dtype: 'float32' } };
  const inputs: InputTypes = { ...types, key: types.query, value: types.query };
  const turned = (x: tf.Tensor) => tf.transpose(x, [0, 2, 1, 3]);
  const run = gradientsOf(['query', 'value'], ({ query, key, value }) =>
    turned(attention(turned(query), turned(key), turned(value), { causal: true })),
  );
  const after = runPasses(capture(run, { inputs }), { passes });
  checkGraph(after);
  expect(printGraph(after)).toMatchInlineSnapshot(`
    "%0: float32[2,5,3,4] = input "query"
    %1: float32[2,5,3,4] = input "key"
    %2: float32[2,5,3,4] = input "value"
    %3: float32[] = constant 2
    %4: float32[2,5,3,4], %5: float32[2,3,5,2] = PeftFlashAttention(%0, %1, %2) { scale: 0.5, causal: true, tokensFirst: true }
    %6: float32[2,5,3,4] = Multiply(%4, %3)
    %7: float32[2,5,3,4], %8: float32[2,5,3,4], %9: float32[2,5,3,4] = PeftFlashAttentionGrad(%0, %1, %2, %4, %5, %6) { scale: 0.5, causal: true, tokensFirst: true }
    return { "query": %7, "value": %9 }
    "
  `);
});

it('leaves alone what others read of it, and heads that are too large', () => {
  const unchanged = (run: (given: Named) => OutputTree, pass = flashAttention) => {
    const graph = runPasses(capture(run as never, { inputs: stacks }));
    expect(countOf(graph, 'PeftAttention')).toBe(1);
    expect(pass.rewrite(graph)).toBe(graph);
  };
  const all: readonly Names[] = ['query', 'key', 'value'];
  const attend = ({ query, key, value }: Named) => attention(query, key, value);
  unchanged(gradientsOf(all, attend) as never, flashAttentionUpTo(3));
  const kernels = (given: Named) =>
    tf.engine().runKernel('PeftAttention', { ...given }, { scale: 1, causal: false }) as unknown as tf.Tensor[];
  unchanged((given) => ({ probabilities: kernels(given)[1] as tf.Tensor }));
  unchanged((given) => ({ sum: tf.sum(kernels(given)[1] as tf.Tensor) }));
  unchanged((given) => {
    const probabilities = kernels(given)[1] as tf.Tensor;
    const grad = (scale: number) =>
      tf
        .engine()
        .runKernel('PeftAttentionGrad', { value: given.value, probabilities, dy: given.query }, { scale }) as tf.Tensor;
    return { other: tf.matMul(grad(2), given.key) };
  });
});

/** Every value of the inputs, by name: floats around zero, whole numbers from 0, none of them equal. */
function drawn(graph: Graph, seed: number): ReadonlyMap<string, HostTensor> {
  return new Map(
    graph.inputs.map(({ name, value }, place) => {
      const at = (index: number) => Math.sin(seed + 1.7 * index + 3.1 * place) * 1.5;
      return [name, { ...value, data: Float64Array.from({ length: sizeOf(value.shape) }, (_, index) => at(index)) }];
    }),
  );
}

function expectSame(before: Graph, after: Graph, inputs: ReadonlyMap<string, HostTensor>): void {
  checkGraph(after);
  expect(countOf(after, 'PeftAttention')).toBe(0);
  expect(countOf(after, 'PeftAttentionGrad')).toBe(0);
  expect(countOf(after, 'PeftFlashAttention')).toBe(countOf(before, 'PeftAttention'));
  expect(countOf(after, 'PeftFlashAttentionGrad')).toBeGreaterThan(0);
  const expected = evaluate(before, inputs);
  for (const [name, { shape, data }] of evaluate(after, inputs)) {
    const wanted = expected.get(name) as HostTensor;
    expect(shape).toEqual(wanted.shape);
    for (let index = 0; index < data.length; index++) {
      expect(data[index], `${name}[${index}]`).toBeCloseTo(wanted.data[index] as number, 9);
    }
  }
}

it('computes what the attention it replaces computes, whichever gradients are wanted', () => {
  const size = fc.integer({ min: 1, max: 4 });
  const names = fc.subarray(['query', 'key', 'value'] as const, { minLength: 1 });
  const options = fc.record({ causal: fc.boolean(), isMasked: fc.boolean(), movesTokens: fc.boolean(), names });
  fc.assert(
    fc.property(fc.tuple(size, size, size, size), options, fc.nat(99), (sizes, { movesTokens, ...flags }, seed) => {
      const [queries, more, heads, width] = sizes;
      const keys = queries + more - 1;
      const at = (tokens: number, last: number) => ({
        shape: movesTokens ? [2, tokens, heads, last] : [2, heads, tokens, last],
        dtype: 'float32',
      });
      const inputs = { query: at(queries, 2), key: at(keys, 2), value: at(keys, width) };
      const turned = (x: tf.Tensor) => (movesTokens ? tf.transpose(x, [0, 2, 1, 3]) : x);
      const run = gradientsOf(flags.names, ({ query, key, value }) => {
        const mask = flags.isMasked ? { mask: tf.reshape(tf.range(0, 2 * keys), [2, 1, 1, keys]) } : {};
        return attention(turned(query), turned(key), turned(value), { causal: flags.causal, ...mask });
      });
      const before = runPasses(capture(run, { inputs }));
      expectSame(before, runPasses(before, { passes }), drawn(before, seed));
    }),
    { numRuns: 40 },
  );
});

it('a training step of a small encoder of the form of BERT', () => {
  const { run, inputs: types, parameters } = bertStep(tinyBert, evenWeights(tinyBert));
  const before = runPasses(capture(run, { inputs: types, parameters }));
  const after = runPasses(before, { passes });
  const tensors = new Map(leavesOf(bertValues(tinyBert) as never, ''));
  const inputs = new Map(
    before.inputs.map(({ name, value }) => [name, { ...value, data: tensors.get(name)?.dataSync() ?? [] }] as const),
  );
  expectSame(before, after, inputs as ReadonlyMap<string, HostTensor>);
  const isMoved = (node: Graph['nodes'][number]) => node.op === 'Transpose' && node.outputs[0]?.shape.length === 4;
  expect(before.nodes.filter(isMoved)).not.toHaveLength(0);
  expect(after.nodes.filter(isMoved)).toHaveLength(0);
});

type Tensors = { readonly [name: string]: tf.Tensor | Tensors };

function leavesOf(tree: Tensors, prefix: string): [string, tf.Tensor][] {
  return Object.entries(tree).flatMap(([key, entry]) =>
    entry instanceof tf.Tensor ? [[`${prefix}${key}`, entry]] : leavesOf(entry, `${prefix}${key}/`),
  ) as [string, tf.Tensor][];
}
