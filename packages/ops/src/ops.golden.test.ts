import { readFileSync } from 'node:fs';
import { expectParity } from '@peft/parity';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { onEachBackend } from '../test/onEachBackend.ts';
import { adamw } from './adamw.ts';
import { attention } from './attention.ts';
import { gelu } from './gelu.ts';
import { geluTanh } from './geluTanh.ts';
import { layerNorm } from './layerNorm.ts';
import { linearCrossEntropy } from './linearCrossEntropy.ts';
import { rmsNorm } from './rmsNorm.ts';
import { silu } from './silu.ts';
import { softmaxCrossEntropy } from './softmaxCrossEntropy.ts';

interface Values {
  readonly shape: number[];
  readonly values: number[];
}

interface Golden {
  readonly inputs: Readonly<Record<string, Values>>;
  readonly dy: number[];
  readonly output: Values;
  readonly gradients: Readonly<Record<string, number[]>>;
}

interface AdamWGolden {
  readonly shape: number[];
  readonly start: number[];
  readonly options: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  readonly grads: number[][];
  readonly params: Readonly<Record<string, number[]>>;
}

type Activation = 'gelu' | 'geluTanh' | 'silu' | 'layerNorm' | 'rmsNorm' | 'attention';
interface Fixture extends Record<Activation, Golden> {
  readonly softmaxCrossEntropy: Golden & { readonly labels: number[] };
  readonly linearCrossEntropy: Golden & { readonly labels: number[]; readonly weight: Values };
  readonly adamw: AdamWGolden[];
}

/** Written by fixtures/python/ops.py with torch 2.13.0. */
const golden: Fixture = JSON.parse(readFileSync(new URL('./__fixtures__/ops.json', import.meta.url), 'utf8'));

/** Float32 here, float64 in torch. */
const TOLERANCE = 1e-6;

function expectClose(subject: string, found: tf.Tensor, expected: readonly number[]): void {
  expectParity(subject, { actual: found.dataSync() as Float32Array, expected, tolerance: TOLERANCE });
}

function expectTorch({ inputs, dy, output, gradients }: Golden, run: (inputs: Record<string, tf.Tensor>) => tf.Tensor) {
  const names = Object.keys(inputs);
  tf.tidy(() => {
    const tensors = names.map((name) => tf.tensor(inputs[name]?.values ?? [], inputs[name]?.shape));
    const call = (given: readonly tf.Tensor[]) =>
      run(Object.fromEntries(names.map((name, index) => [name, given[index] as tf.Tensor])));
    const result = call(tensors);
    expect(result.shape).toEqual(output.shape);
    expectClose('operations: values', result, output.values);
    const weight = tf.tensor(dy, output.shape);
    const found = tf.grads((...given) => tf.sum(tf.mul(call(given), weight)))(tensors);
    names.forEach((name, index) => {
      expectClose('operations: gradients', found[index] as tf.Tensor, gradients[name] ?? []);
    });
  });
}

type Named<Names extends string> = Record<Names, tf.Tensor>;

onEachBackend(() => {
  it('gelu is F.gelu', () => {
    expectTorch(golden.gelu, (inputs) => gelu((inputs as Named<'x'>).x));
  });

  it("geluTanh is F.gelu(approximate='tanh')", () => {
    expectTorch(golden.geluTanh, (inputs) => geluTanh((inputs as Named<'x'>).x));
  });

  it('layerNorm is F.layer_norm with the epsilon of BERT', () => {
    expectTorch(golden.layerNorm, (inputs) => {
      const { x, gain, bias } = inputs as Named<'x' | 'gain' | 'bias'>;
      return layerNorm(x, gain, bias, 1e-12);
    });
  });

  it('attention is F.scaled_dot_product_attention, causal', () => {
    const later = Array.from({ length: 5 }, (_, row) => Array.from({ length: 5 }, (_, key) => (key > row ? -1e9 : 0)));
    expectTorch(golden.attention, (inputs) => {
      const { query, key, value } = inputs as Named<'query' | 'key' | 'value'>;
      return attention(query, key, value, { mask: tf.tensor2d(later) });
    });
    expectTorch(golden.attention, (inputs) => {
      const { query, key, value } = inputs as Named<'query' | 'key' | 'value'>;
      return attention(query, key, value, { causal: true });
    });
  });

  it('softmaxCrossEntropy is F.cross_entropy(reduction="sum") with ignore_index', () => {
    const { labels, ...rest } = golden.softmaxCrossEntropy;
    expect(labels).toContain(-100);
    expectTorch(rest, (inputs) =>
      softmaxCrossEntropy((inputs as Named<'logits'>).logits, tf.tensor1d(labels, 'int32')),
    );
  });

  it('silu is F.silu', () => {
    expectTorch(golden.silu, (inputs) => silu((inputs as Named<'input'>).input));
  });

  it('rmsNorm is F.rms_norm', () => {
    expectTorch(golden.rmsNorm, (inputs) => {
      const { x, gain } = inputs as Named<'x' | 'gain'>;
      return rmsNorm(x, gain, 1e-6);
    });
  });

  it('linearCrossEntropy is F.cross_entropy of the products, in chunks of four rows', () => {
    const { labels, weight, ...rest } = golden.linearCrossEntropy;
    expectTorch(rest, (inputs) =>
      linearCrossEntropy(
        (inputs as Named<'hidden'>).hidden,
        tf.tensor(weight.values, weight.shape),
        tf.tensor1d(labels, 'int32'),
        { chunk: 4, transposeWeight: true },
      ),
    );
  });

  it.each(golden.adamw)('adamw is torch.optim.AdamW over 100 updates, $options', (expected) => {
    const { lr, betas, eps, weight_decay: weightDecay } = expected.options;
    const { shape, start, grads, params } = expected;
    let leaf = { param: tf.tensor(start, shape), m: tf.zeros(shape), v: tf.zeros(shape) };
    let compared = 0;
    grads.forEach((grad, index) => {
      const step = index + 1;
      const next = tf.tidy(() =>
        adamw(
          { ...leaf, grad: tf.tensor(grad, shape) },
          {
            learningRate: tf.scalar(lr * (1 - index / grads.length)),
            correction1: tf.scalar(1 - betas[0] ** step),
            correction2: tf.scalar(1 - betas[1] ** step),
          },
          { beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay },
        ),
      );
      tf.dispose(leaf);
      leaf = next;
      const torch = params[step];
      if (torch === undefined) return;
      compared++;
      expectClose('AdamW as one operation: parameters over 100 updates', leaf.param, torch);
    });
    expect(compared).toBe(4);
    tf.dispose(leaf);
  });
});
