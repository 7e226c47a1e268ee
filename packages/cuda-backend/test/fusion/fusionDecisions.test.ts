import { capture, type Graph, type InputTypes, type OutputTree, runPasses, type Value } from '@peft/graph';
import * as ops from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { fuseSteps } from '../../src/fusion/fuseSteps.ts';
import { CommandEmitter } from '../../src/lowering/commandEmitter.ts';
import type { Step, StepContext } from '../../src/lowering/step.ts';
import { stepsOf } from '../../src/lowering/stepsOf.ts';
import type { KernelCommand } from '../../src/plan/command.ts';
import type { Storage } from '../../src/plan/storage.ts';
import { simulatedDescription } from '../simulator/simulatedDescription.ts';
import { wide } from './runSteps.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Tensors = Readonly<Record<string, tf.Tensor>>;

const float = (...shape: number[]) => ({ shape, dtype: 'float32' });

function graphOf(inputs: InputTypes, run: (given: Tensors) => Readonly<Record<string, tf.Tensor>>): Graph {
  return runPasses(capture(((given: Tensors) => ({ outputs: run(given) })) as unknown as () => OutputTree, { inputs }));
}

function fused(graph: Graph, storageOf: (value: Value) => Storage = wide): readonly Step[] {
  const numbers = new Map(graph.constants.map(({ value, data }) => [value, data]));
  const context: StepContext = {
    device: simulatedDescription,
    precision: 'float32',
    storageOf,
    isLeading: () => false,
    numberOf: (value) => {
      const data = numbers.get(value);
      return typeof data === 'number' ? data : undefined;
    },
    returned: new Set(graph.outputs.map(({ value }) => value)),
  };
  return fuseSteps(stepsOf(graph), context);
}

/** Operations of each step. */
const namesOf = (steps: readonly Step[]) =>
  steps.map(({ label }) => label.replaceAll(/\d+ /g, '').replace(' with ', ', '));

function commandOf(step: Step): KernelCommand {
  const emit = new CommandEmitter({ device: simulatedDescription, precision: 'float32', hasProductLibrary: true });
  emit.begin(step.label);
  const operand = (value: Value) => emit.allocate(value, { storage: wide(value), kind: 'arena', label: 'any' });
  step.lower({ inputs: step.inputs.map(operand), outputs: step.outputs.map(operand), emit });
  return emit.commands[0] as KernelCommand;
}

describe('what becomes one kernel', () => {
  it('a chain, which keeps in memory only what others read', () => {
    const graph = graphOf({ x: float(6, 8), row: float(8) }, ({ x, row }) => ({
      y: tf.tanh(tf.mul(tf.add(x as tf.Tensor, row as tf.Tensor), 2)),
    }));
    const [only, ...rest] = fused(graph);
    expect(rest).toEqual([]);
    expect(only?.label).toBe('0 Add with 1 Multiply, 2 Tanh');
    expect(only?.inputs.map(({ shape }) => shape)).toEqual([[6, 8], [8]]);
    expect(only?.outputs).toEqual([graph.outputs[0]?.value]);
    expect(only?.inPlace).toEqual([0]);
  });

  it('a sum and the norm after it, with what the gradient needs of them', () => {
    const graph = graphOf({ x: float(6, 8), y: float(6, 8), gain: float(8) }, ({ x, y, gain }) => {
      const sum = tf.add(x as tf.Tensor, y as tf.Tensor);
      return { sum, norm: ops.layerNorm(sum, gain as tf.Tensor1D, tf.neg(gain as tf.Tensor1D), 1e-3) };
    });
    const steps = fused(graph);
    expect(namesOf(steps)).toEqual(['Add, Neg, PeftLayerNorm']);
    expect(steps[0]?.outputs).toHaveLength(2);
  });

  it('squares, their sum and what follows it', () => {
    const graph = graphOf({ x: float(6, 8) }, ({ x }) => ({
      norm: tf.sqrt(tf.add(tf.sum(tf.square(x as tf.Tensor)), 1e-6)),
    }));
    expect(namesOf(fused(graph))).toEqual(['Square, Sum, Add, Sqrt']);
  });

  it('an update and what scales its gradient', () => {
    const leaf = float(6, 8);
    const inputs = { param: leaf, grad: leaf, m: leaf, v: leaf, factor: float(), rate: float() };
    const graph = graphOf(inputs, (given) => {
      const { param, grad, m, v, factor, rate } = given as Required<Record<keyof typeof inputs, tf.Scalar>>;
      const scalars = { learningRate: rate, correction1: rate, correction2: rate };
      const options = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 };
      return { ...ops.adamw({ param, grad: tf.mul(grad, factor), m, v }, scalars, options) };
    });
    const [step, ...rest] = fused(graph);
    expect(rest).toEqual([]);
    expect(step?.outputs).toHaveLength(3);
    expect(step?.inputs).toHaveLength(6);
  });

  it('dropout, whose mask is drawn again where the gradient needs it', () => {
    const graph = graphOf({ x: float(64, 64), dy: float(64, 64), key: { shape: [2], dtype: 'int32' } }, (given) => {
      const { x, dy, key } = given as { x: tf.Tensor; dy: tf.Tensor; key: tf.Tensor1D };
      const loss = (each: tf.Tensor) => tf.sum(tf.square(ops.matMul(ops.dropout(each, 0.5, key), dy)));
      return { loss: loss(x), dx: tf.grad(loss)(x) };
    });
    const steps = fused(graph);
    for (const { outputs } of steps) expect(outputs).toHaveLength(1);
    expect(namesOf(steps).at(-1)).toBe('Multiply');
    expect(steps.at(-1)?.inputs.map(({ dtype }) => dtype)).toEqual(['float32', 'int32']);
  });

  it('the read of a transpose whose numbers stay side by side', () => {
    const graph = graphOf({ x: float(2, 16, 4, 8) }, ({ x }) => ({
      y: tf.mul(tf.transpose(tf.neg(x as tf.Tensor), [0, 2, 1, 3]), 2),
    }));
    expect(namesOf(fused(graph))).toEqual(['Neg, Transpose, Multiply']);
  });

  it('equal work under equal names, all in one text', () => {
    const graph = graphOf({ a: float(3, 8), b: float(30, 8), c: float(3, 16) }, (given) =>
      Object.fromEntries(
        Object.entries(given).map(([name, each]) => [name, tf.add(tf.sum(tf.square(each), 1, true), each)]),
      ),
    );
    const [a, b, c] = fused(graph).map(commandOf) as [KernelCommand, KernelCommand, KernelCommand];
    expect(b.kernel).toEqual(a.kernel);
    expect(c.kernel).toEqual({ ...a.kernel, name: c.kernel.name });
    expect(c.kernel.name).not.toBe(a.kernel.name);
    expect(a.kernel.source?.match(/^PEFT_KERNEL/gm)).toHaveLength(2);
  });
});

describe('what does not', () => {
  it('what needs a product of itself', () => {
    const graph = graphOf({ x: float(8, 8) }, ({ x }) => {
      const first = tf.tanh(x as tf.Tensor);
      return { y: tf.mul(tf.add(first, ops.matMul(first, first)), 2) };
    });
    expect(namesOf(fused(graph))).toEqual(['Tanh', 'PeftMatMul', 'Add, Multiply']);
  });

  it('a transpose that would read each number from a line of its own', () => {
    const graph = graphOf({ x: float(2048, 2048) }, ({ x }) => ({ y: tf.mul(tf.transpose(x as tf.Tensor), 2) }));
    expect(namesOf(fused(graph))).toEqual(['Transpose', 'Multiply']);
  });

  it('a long row, which many blocks share', () => {
    const graph = graphOf({ x: float(2 ** 17) }, ({ x }) => ({ y: tf.sum(tf.square(x as tf.Tensor)) }));
    expect(namesOf(fused(graph))).toEqual(['Square', 'Sum']);
  });

  it('sums of unequal rows', () => {
    const graph = graphOf({ x: float(6, 8) }, ({ x }) => ({
      y: tf.add(tf.sum(x as tf.Tensor), tf.sum(tf.sum(x as tf.Tensor, 1))),
    }));
    expect(namesOf(fused(graph))).toEqual(['Sum', 'Sum', 'Sum, Add']);
  });

  it('a small operation alone', () => {
    const graph = graphOf({ x: float(6, 8) }, ({ x }) => ({ y: tf.tanh(x as tf.Tensor) }));
    expect(fused(graph)[0]?.node?.op).toBe('Tanh');
  });
});

it('refuses memory in another storage than its text was written for', () => {
  const graph = graphOf({ x: float(6, 8) }, ({ x }) => ({ y: tf.tanh(tf.neg(x as tf.Tensor)) }));
  const [step] = fused(graph, () => 'bf16') as [Step];
  expect(() => commandOf(step)).toThrow(
    'internal: 0 Neg with 1 Tanh was written for operand 0 in bf16, which lies in f32; please report it.',
  );
});
