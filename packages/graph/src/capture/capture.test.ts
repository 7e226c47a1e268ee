import '@tensorflow/tfjs-backend-wasm';
import { operation } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GraphError } from '../graphError.ts';
import { printGraph } from '../printGraph.ts';
import { replay } from '../replay.ts';
import { type Captured, capture, type OutputTree } from './capture.ts';

const x = { shape: [2, 3], dtype: 'float32' } as const;
const inputs = { x };

let before = { numTensors: 0, numDataBuffers: 0, numBytes: 0 };

beforeEach(async () => {
  await tf.setBackend('cpu');
  before = countsNow();
});

afterEach(() => {
  expect(tf.getBackend()).toBe('cpu');
  expect(countsNow()).toEqual(before);
});

function countsNow() {
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  return { numTensors, numDataBuffers, numBytes };
}

/** The code and message of what capturing `run` throws, places written as `place`. */
function refusal(run: (given: Captured<typeof inputs>) => unknown): string {
  try {
    capture(run as (given: Captured<typeof inputs>) => OutputTree, { inputs });
  } catch (error) {
    expect(error).toBeInstanceOf(GraphError);
    expect(Reflect.get(error as object, Symbol.for('@peft/error'))).toBe(true);
    const { code, message } = error as GraphError;
    return `${code}: ${message.replaceAll(/[^ ]*capture\.test\.ts:\d+:\d+/g, 'place')}`;
  }
  return 'captured';
}

describe('a graph', () => {
  it('holds inputs by path, tensors from outside by reference, gradients, and passes numbers through', () => {
    const weight = tf.tensor2d([[1], [2], [3]]);
    const graph = capture(
      ({ batch, rate, scale }) => {
        const loss = (w: tf.Tensor) => tf.sum(tf.mul(tf.matMul(batch.x as tf.Tensor2D, w as tf.Tensor2D), scale));
        return { state: { weight: tf.grad(loss)(weight), rate }, metrics: { loss: loss(weight) } };
      },
      { inputs: { batch: inputs, rate: 7, scale: { shape: [], dtype: 'float32' } }, parameters: { weight } },
    );
    expect(graph.parameters).toHaveLength(1);
    expect(graph.parameters[0]?.source).toBe(weight);
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "%0: float32[2,3] = input "batch/x"
      %1: float32[] = input "scale"
      %2: float32[3,1] = parameter "weight"
      %3: float32[] = constant 1
      %4: float32[2,1] = constant 1
      %5: float32[2,1] = BatchMatMul(%0, %2) { transposeA: false, transposeB: false }
      %6: float32[2,3] = Identity(%0)
      %7: float32[3,1] = Identity(%2)
      %8: float32[2,1] = Multiply(%5, %1)
      %9: float32[2,1] = Identity(%5)
      %10: float32[] = Identity(%1)
      %11: float32[] = Sum(%8) { axis: [0,1], keepDims: false }
      %12: float32[2,1] = Identity(%8)
      %13: float32[1,1] = Reshape(%3) { shape: [1,1] }
      %14: float32[2,1] = Multiply(%13, %4)
      %15: float32[] = Cast(%10) { dtype: "float32" }
      %16: float32[2,1] = Multiply(%14, %15)
      %17: float32[3,1] = BatchMatMul(%6, %16) { transposeA: true, transposeB: false }
      %18: float32[2,1] = BatchMatMul(%0, %2) { transposeA: false, transposeB: false }
      %19: float32[2,1] = Multiply(%18, %1)
      %20: float32[] = Sum(%19) { axis: [0,1], keepDims: false }
      return { "state": { "weight": %17, "rate": 7 }, "metrics": { "loss": %20 } }
      "
    `);
    weight.dispose();
  });

  it('reads a tensor where it is, at the time of each run', () => {
    const weight = tf.tensor1d([1, 2, 3]);
    const graph = capture(({ x: each }) => ({ y: tf.mul(each, weight) }), { inputs });
    expect(graph.parameters.map(({ name }) => name)).toEqual(['parameter0']);
    const given = tf.ones([2, 3]);
    const { y } = replay(graph, { x: given }) as { y: tf.Tensor };
    expect(y.arraySync()).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    tf.dispose([y, given, weight]);
  });

  it('knows two shapes of one memory apart', () => {
    const flat = tf.tensor1d([1, 2, 3]);
    const wide = flat.reshape([1, 3]);
    const graph = capture(({ x: each }) => ({ y: tf.add(tf.mul(each, flat), wide), z: tf.add(flat, 1) }), { inputs });
    expect(graph.parameters.map(({ value }) => value.shape)).toEqual([[3], [1, 3]]);
    tf.dispose([flat, wide]);
  });

  it('reads a named host array by reference, however large, and copies small ones', () => {
    const frozen = Float32Array.from({ length: 6000 }, (_, index) => index);
    const small = Float32Array.of(1, 2, 3);
    const run = ({ x: each }: Captured<typeof inputs>) => ({
      y: tf.add(tf.sum(tf.tensor(frozen, [60, 100])), tf.mul(each, tf.tensor(small))),
      z: tf.max(tf.tensor(frozen, [60, 100])),
    });
    const graph = capture(run, { inputs, parameters: { 'layer.weight': frozen } });
    expect(graph.parameters.map(({ name, source }) => [name, source])).toEqual([['layer.weight', frozen]]);
    small.fill(0);
    expect(graph.constants.map(({ data }) => data)).toEqual([Float32Array.of(1, 2, 3)]);
  });

  it('holds a uniform array of any size as one number', () => {
    const graph = capture(({ x: each }) => ({ y: tf.add(tf.sum(tf.ones([300, 300])), tf.sum(each)) }), { inputs });
    expect(graph.constants).toEqual([{ value: { shape: [300, 300], dtype: 'float32' }, data: 1 }]);
  });

  it('has the core operations of a fused one it has no row for', () => {
    const twice = operation<'x', Record<never, never>>({
      name: 'PeftTwice',
      compose: ({ x: each }) => tf.add(each, each),
    });
    const graph = capture(({ x: each }) => ({ y: twice({ x: each }, {}) }), { inputs });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Add']);
  });

  it('is the same on wasm, which then runs it, fused operations without a kernel there on the host', async () => {
    await tf.setBackend('wasm');
    const run = ({ x: each }: Captured<typeof inputs>) => ({ y: tf.softmax(tf.mul(each, tf.tensor1d([1, 2, 3]))) });
    const graph = capture(run, { inputs });
    expect(tf.getBackend()).toBe('wasm');
    const given = tf.tensor2d([
      [1, 2, 3],
      [0, 0, 1],
    ]);
    const outputs = [replay(graph, { x: given }), tf.tidy(() => run({ x: given }))] as { y: tf.Tensor }[];
    expect(outputs[0]?.y.arraySync()).toEqual(outputs[1]?.y.arraySync());
    tf.dispose([given, outputs]);
    await tf.setBackend('cpu');
  });

  it('frees what the function kept', () => {
    const kept: tf.Tensor[] = [];
    capture(
      ({ x: each }) => {
        const constant = tf.keep(tf.tensor1d([1, 2, 3]));
        kept.push(tf.keep(tf.add(each, constant)), constant);
        tf.keep(tf.tensor1d([4, 5, 6]));
        return { y: tf.clone(each) };
      },
      { inputs },
    );
    expect(kept.map((tensor) => tensor.isDisposed)).toEqual([true, true]);
  });
});

describe('refused', () => {
  const advice =
    ', which has no value yet. Return the tensor as an output and read it after the run, choose with tf.where instead of an if, or pass the number as an input.';

  it('reading a value', () => {
    expect(refusal(({ x: each }) => ({ y: tf.mul(each, tf.relu(each).dataSync()[0] as number) }))).toBe(
      `graph/value-read: capture: the function reads the result of Relu (float32[2,3]) at place${advice}`,
    );
    expect(refusal(({ x: each }) => ({ y: tf.scalar((each.arraySync() as number[][])[0]?.[0] as number) }))).toBe(
      `graph/value-read: capture: the function reads input "x" (float32[2,3]) at place${advice}`,
    );
    expect(refusal(() => ({ y: tf.scalar(tf.scalar(3).dataSync()[0] as number) }))).toBe(
      `graph/value-read: capture: the function reads a constant (float32[]) at place${advice}`,
    );
  });

  it('a promise, whether it reads values or not', () => {
    const message =
      'graph/promise: capture: the function returned a promise; capture runs it once, synchronously: move what it awaits before or after it.';
    expect(refusal(async ({ x: each }) => ({ y: each }))).toBe(message);
    expect(refusal(async ({ x: each }) => ({ y: (await each.data())[0] }))).toBe(message);
  });

  it('random numbers, of any size and by whomever drawn', () => {
    const message =
      'graph/random: capture: the function draws a random number at place, and every run would repeat the one draw. Use dropout of @peft/ops for a mask, pass what changes from run to run as an input, or give a seed.';
    const { random } = Math;
    expect(refusal(({ x: each }) => ({ y: tf.dropout(each, 0.5) }))).toBe(message);
    expect(refusal(() => ({ y: tf.randomNormal([2]) }))).toBe(message);
    expect(refusal(() => ({ y: tf.randomUniform([2]) }))).toBe(message);
    expect(refusal(() => ({ y: tf.scalar(Math.random()) }))).toBe(message);
    expect(Math.random).toBe(random);
    expect(refusal(() => ({ y: tf.randomNormal([2], 0, 1, 'float32', 7) }))).toBe('captured');
  });

  it('large constants, by size', () => {
    const advised = (type: string) =>
      `graph/constant: capture: ${type} of uneven values is made inside the function at place, and every run would repeat these values: random numbers would be drawn once for ever. Use dropout of @peft/ops for a mask, pass what changes from run to run as an input, and make what never changes before the capture.`;
    expect(refusal(() => ({ y: tf.dropout(tf.ones([100, 100]), 0.5, undefined, 3) }))).toBe(
      advised('float32[100,100]'),
    );
    expect(refusal(() => ({ y: tf.randomNormal([4097], 0, 1, 'float32', 7) }))).toBe(advised('float32[4097]'));
    expect(refusal(() => ({ y: tf.randomNormal([4096], 0, 1, 'float32', 7) }))).toBe('captured');
    const values = () => ({ y: tf.tensor1d([1, 2, 3], 'int32') });
    expect(() => capture(values, { inputs: {}, constantLimit: 2 })).toThrow(/^capture: int32\[3\] of uneven values/);
  });

  it('an operation without a row', () => {
    expect(refusal(({ x: each }) => ({ y: tf.acosh(each) }))).toBe(
      'graph/unsupported: capture: Acosh at place is no operation of the op table; write it with others, or keep this part out of the captured function.',
    );
  });

  it('an attribute or an input that the row does not know, so that it cannot be dropped in silence', () => {
    const more = ({ x: each }: Captured<typeof inputs>) => ({
      y: tf.engine().runKernel('Neg', { x: each, shift: each }) as tf.Tensor,
    });
    expect(refusal(more)).toBe(
      'graph/unsupported: capture: Neg at place: the op table does not know its input shift; use versions of @peft/graph and of the operation that belong together.',
    );
    const half = ({ x: each }: Captured<typeof inputs>) => ({
      y: tf.engine().runKernel('Neg', { x: each }, { strength: 0.5, other: undefined as never }) as tf.Tensor,
    });
    expect(refusal(half)).toBe(
      'graph/unsupported: capture: Neg at place: the op table does not know its attribute strength; use versions of @peft/graph and of the operation that belong together.',
    );
  });

  it('variables, made or assigned, which keep their value', () => {
    const advised = 'take the old value as an input and return the new one.';
    expect(refusal(({ x: each }) => ({ y: tf.variable(each) }))).toBe(
      `graph/variable: capture: a tf.Variable is made at place, which is state that the graph cannot hold; ${advised}`,
    );
    const variable = tf.variable(
      tf.tensor2d([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      true,
      'weights',
    );
    expect(refusal(({ x: each }) => ({ y: variable.assign(tf.add(variable, each)) }))).toBe(
      `graph/variable: capture: the variable "weights" is assigned at place, which a graph cannot do; ${advised}`,
    );
    expect(variable.arraySync()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    variable.assign(tf.tidy(() => tf.zeros([2, 3]).add(1)));
    variable.dispose();
    before = countsNow();
  });

  it('results that are no record of tensors and numbers', () => {
    const wanted = 'not a record of tensors and numbers; return { name: tensor }.';
    expect(refusal(({ x: each }) => each)).toBe(`graph/output: capture: the function returned a tensor, ${wanted}`);
    expect(refusal(() => undefined)).toBe(`graph/output: capture: the function returned undefined, ${wanted}`);
    expect(refusal(({ x: each }) => ({ y: [each] }))).toBe(`graph/output: capture: output "y" is a list, ${wanted}`);
    expect(refusal(({ x: each }) => ({ y: { z: true, each } }))).toBe(
      `graph/output: capture: output "y/z" is a boolean, ${wanted}`,
    );
  });

  it('dtypes that no graph holds, operands of two dtypes, a capture in a capture', () => {
    expect(refusal(() => ({ y: tf.tensor(['a']) }))).toBe(
      'graph/dtype: a graph holds float32, int32 and bool, not string; cast the tensor first.',
    );
    expect(
      refusal(({ x: each }) => ({ y: tf.engine().runKernel('Sqrt', { x: tf.cast(each, 'int32') }) as tf.Tensor })),
    ).toBe('graph/dtype: capture: Sqrt at place: an input is int32, which must be float32; cast it.');
    expect(refusal(() => capture(() => ({}), { inputs: {} }) as never)).toBe(
      'graph/nested: capture is called inside a captured function; capture one after the other.',
    );
  });

  it('work on the capture backend without a capture', async () => {
    capture(() => ({}), { inputs: {} });
    await tf.setBackend('peft-capture');
    expect(() => tf.tidy(() => tf.tensor1d([1, 2]))).toThrow(
      new GraphError(
        'graph/no-capture',
        'nothing is being captured: call capture() instead of making "peft-capture" the backend.',
      ),
    );
    await tf.setBackend('cpu');
  });

  it('an error of the function itself goes through unchanged', () => {
    const own = new Error('mine');
    expect(() =>
      capture(
        () => {
          throw own;
        },
        { inputs },
      ),
    ).toThrow(own);
    expect(Error.stackTraceLimit).toBeLessThan(60);
  });
});
