import { readFileSync } from 'node:fs';
import { expectParity } from '@peft/parity';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import type { Engine, StepFunction } from '../src/engine.ts';
import { type HostArray, hostArray, sizeOf } from '../src/hostArray.ts';
import { adamw } from '../src/optimizers/adamw.ts';
import { clipByGlobalNorm, globalNorm } from '../src/optimizers/clipByGlobalNorm.ts';
import type { Optimizer, Slots } from '../src/optimizers/optimizer.ts';
import { sgd } from '../src/optimizers/sgd.ts';
import type { Snapshot } from '../src/tree.ts';
import { Weights } from '../src/weights.ts';

type Case = {
  readonly optimizer: 'adamw' | 'sgd';
  readonly options: {
    readonly weight_decay?: number;
    readonly betas?: readonly [number, number];
    readonly eps?: number;
    readonly momentum?: number;
    readonly nesterov?: boolean;
  };
  /** What each parameter has of its own. */
  readonly groups: readonly { readonly factor?: number; readonly weight_decay?: number }[];
  readonly maxNorm: number | null;
  /** Of every step, before clipping. */
  readonly norms: readonly number[];
  /** After each of the saved steps, by parameter. */
  readonly params: readonly (readonly (readonly number[])[])[];
  /** The moments after each of the saved steps, by parameter and name. */
  readonly slots: readonly (readonly Readonly<Record<string, readonly number[]>>[])[];
};

const file = new URL('../src/optimizers/__fixtures__/optimizers.json', import.meta.url);
const fixture = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly shapes: readonly (readonly number[])[];
  readonly steps: number;
  readonly saved: readonly number[];
  readonly cases: readonly Case[];
};

// float32 on both sides: a hundred steps of rounding, taken in another order.
const tolerance = 1e-5;

/** Runs of torch's optimizers by name. */
export const goldenOptimizers: readonly (readonly [name: string, golden: Case])[] = fixture.cases.map((golden) => [
  `${golden.optimizer} ${JSON.stringify(golden.options)}${golden.groups.some(({ factor }) => factor) ? ', a rate and decay for each' : ''}${golden.maxNorm === null ? '' : `, clipped to ${golden.maxNorm}`}`,
  golden,
]);

type State = Readonly<Record<string, { readonly param: tf.Tensor; readonly slots: Slots }>>;

/** Takes torch's steps on an engine; fails at the first parameter, slot or norm that is another. */
export async function checkGoldenOptimizer(golden: Case, engine: Engine): Promise<void> {
  const optimizer = make(golden);
  const subject = { adamw: 'AdamW', sgd: 'SGD' }[golden.optimizer];
  const program = await engine.compile({ step: stepOf(golden, optimizer) }, new Weights([]));
  await program.bind(tf.tidy(() => fresh(optimizer)) as unknown as Snapshot);
  const norms: number[] = [];
  for (let step = 1; step <= fixture.steps; step++) {
    const { metrics } = await program.run('step', {
      learningRate: 0.05 * (1 - (step - 1) / fixture.steps),
      optimizer: optimizer.inputs(step),
      bends: byIndex((_, element) => 0.1 + 0.2 * element),
      waves: byIndex((index, element) => 0.5 * Math.sin(0.3 * step + 0.7 * element + index)),
    });
    norms.push(metrics.norm as number);
    const at = fixture.saved.indexOf(step);
    if (at < 0) continue;
    const state = (await program.state()) as unknown as State;
    for (const [index, expected] of (golden.params[at] ?? []).entries()) {
      const leaf = state[String(index)] as State[string];
      const parity = async (what: string, tensor: tf.Tensor | undefined, values: readonly number[] = []) => {
        const actual = ((await tensor?.data()) ?? []) as ArrayLike<number>;
        const where = `parameter ${index} after step ${step}`;
        expectParity(`${subject}: ${what} over 100 steps`, { actual, expected: values, tolerance, where });
      };
      await parity('parameters', leaf.param, expected);
      const slots = golden.slots[at]?.[index] ?? {};
      expect(Object.keys(leaf.slots)).toEqual(Object.keys(slots));
      for (const [name, values] of Object.entries(slots)) await parity('moments', leaf.slots[name], values);
    }
  }
  program.dispose();
  if (golden.maxNorm !== null) {
    expectParity('clipping: gradient norms', { actual: norms, expected: golden.norms, tolerance });
    expect(Math.max(...norms)).toBeGreaterThan(golden.maxNorm);
  }
}

function make({ optimizer, options }: Case): Optimizer {
  const { weight_decay: weightDecay, betas, eps, momentum, nesterov } = options;
  if (optimizer === 'sgd') return sgd({ momentum, nesterov, weightDecay });
  return adamw({ weightDecay, beta1: betas?.[0], beta2: betas?.[1], epsilon: eps });
}

function byIndex(value: (index: number, element: number) => number): Record<string, HostArray> {
  const arrays = fixture.shapes.map((shape, index) => {
    const values = Float32Array.from({ length: sizeOf(shape) }, (_, element) => value(index, element));
    return [String(index), hostArray(values, shape)] as const;
  });
  return Object.fromEntries(arrays);
}

function fresh(optimizer: Optimizer): State {
  const values = byIndex((index, element) => Math.sin(1.7 * index + 0.9 * element));
  const leaves = Object.entries(values).map(([key, { data, shape }]) => {
    const param = tf.tensor(data as Float32Array, [...shape]);
    return [key, { param, slots: optimizer.init(param) }] as const;
  });
  return Object.fromEntries(leaves);
}

/** The gradient of a quadratic bowl that moves about: param * bend + wave. */
function stepOf({ maxNorm, groups }: Case, optimizer: Optimizer): StepFunction {
  return (state, inputs) => {
    const leaves = Object.entries(state as unknown as State);
    const { bends, waves, optimizer: numbers } = inputs as Record<string, Record<string, tf.Scalar>>;
    const raw = leaves.map(([key, { param }]) =>
      tf.add(tf.mul(param, bends?.[key] as tf.Tensor), waves?.[key] as tf.Tensor),
    );
    const norm = globalNorm(raw);
    const grads = maxNorm === null ? raw : clipByGlobalNorm(raw, norm, maxNorm);
    const next = leaves.map(([key, { param, slots }], index) => {
      const call = { param, slots, grad: grads[index] as tf.Tensor, inputs: numbers ?? {} };
      const { factor = 1, weight_decay: weightDecay = optimizer.weightDecay } = groups[index] ?? {};
      const learningRate = tf.mul(inputs.learningRate as tf.Scalar, factor) as tf.Scalar;
      return [key, optimizer.update({ ...call, learningRate, weightDecay })];
    });
    return { state: Object.fromEntries(next) as Snapshot, metrics: { norm } };
  };
}
