import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { describe, expect, it } from 'vitest';
import { sizeOf } from '../hostArray.ts';
import { requireClose } from '../testing/equality.ts';
import { adamw } from './adamw.ts';
import { clipByGlobalNorm, globalNorm } from './clipByGlobalNorm.ts';
import type { Optimizer } from './optimizer.ts';
import { sgd } from './sgd.ts';

type Case = {
  readonly optimizer: 'adamw' | 'sgd';
  readonly options: {
    readonly weight_decay?: number;
    readonly betas?: readonly [number, number];
    readonly eps?: number;
    readonly momentum?: number;
    readonly nesterov?: boolean;
  };
  readonly maxNorm: number | null;
  /** Of the first steps, before clipping. */
  readonly norms: readonly number[];
  /** After each of the saved steps, by parameter. */
  readonly params: readonly (readonly (readonly number[])[])[];
};

const fixture = JSON.parse(readFileSync(new URL('./__fixtures__/optimizers.json', import.meta.url), 'utf8')) as {
  readonly shapes: readonly (readonly number[])[];
  readonly steps: number;
  readonly saved: readonly number[];
  readonly cases: readonly Case[];
};

// float32 against float32: a hundred steps of rounding, taken in another order.
const tolerance = 1e-5;

function make({ optimizer, options }: Case): Optimizer {
  const { weight_decay: weightDecay, betas, eps, momentum, nesterov } = options;
  if (optimizer === 'sgd') return sgd({ momentum, nesterov, weightDecay });
  return adamw({ weightDecay, beta1: betas?.[0], beta2: betas?.[1], epsilon: eps });
}

const tensorOf = (shape: readonly number[], value: (element: number) => number) =>
  tf.tensor(
    Float32Array.from({ length: sizeOf(shape) }, (_, element) => value(element)),
    [...shape],
  );

function gradient(param: tf.Tensor, index: number, step: number): tf.Tensor {
  const bend = tensorOf(param.shape, (element) => 0.1 + 0.2 * element);
  const wave = tensorOf(param.shape, (element) => 0.5 * Math.sin(0.3 * step + 0.7 * element + index));
  return tf.add(tf.mul(param, bend), wave);
}

function replay(golden: Case) {
  const optimizer = make(golden);
  let params = fixture.shapes.map((shape, index) => tensorOf(shape, (i) => Math.sin(1.7 * index + 0.9 * i)));
  let slots = params.map((param) => optimizer.init(param));
  const norms: number[] = [];
  const saved: (readonly Float32Array[])[] = [];
  for (let step = 1; step <= fixture.steps; step++) {
    const raw = params.map((param, index) => gradient(param, index, step));
    const norm = globalNorm(raw);
    norms.push(norm.dataSync()[0] as number);
    const grads = golden.maxNorm === null ? raw : clipByGlobalNorm(raw, norm, golden.maxNorm);
    const learningRate = tf.scalar(0.05 * (1 - (step - 1) / fixture.steps));
    const inputs = Object.fromEntries(
      Object.entries(optimizer.inputs(step)).map(([name, value]) => [name, tf.scalar(value)]),
    );
    const next = params.map((param, index) =>
      optimizer.update({
        param,
        grad: grads[index] as tf.Tensor,
        slots: slots[index] ?? {},
        learningRate,
        inputs,
        weightDecay: optimizer.weightDecay,
      }),
    );
    params = next.map(({ param }) => param);
    slots = next.map((each) => each.slots);
    if (fixture.saved.includes(step)) saved.push(params.map((param) => param.dataSync().slice() as Float32Array));
  }
  return { norms, saved };
}

const named = fixture.cases.map((golden) => ({
  name: `${golden.optimizer} ${JSON.stringify(golden.options)}${golden.maxNorm === null ? '' : `, clipped to ${golden.maxNorm}`}`,
  golden,
}));

describe.each(['cpu', 'wasm'])('optimizers equal torch on %s', (backend) => {
  it.each(named)('$name', async ({ golden }) => {
    await tf.setBackend(backend);
    tf.engine().startScope();
    const { norms, saved } = replay(golden);
    tf.engine().endScope();
    for (const [at, params] of golden.params.entries()) {
      for (const [index, expected] of params.entries()) {
        const what = `parameter ${index} after step ${fixture.saved[at]}`;
        requireClose((saved[at] as readonly Float32Array[])[index] as Float32Array, expected, { what, tolerance });
      }
    }
    if (golden.maxNorm !== null) {
      requireClose(norms.slice(0, golden.norms.length), golden.norms, { what: 'norm before clipping', tolerance });
      expect(golden.norms.some((norm) => norm > (golden.maxNorm as number))).toBe(true);
    }
  });
});
