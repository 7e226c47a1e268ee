import { type DType, type HostArray, hostArray, type StepFunction, Weights } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { captureFunction } from './captureFunction.ts';
import { FrozenWeights } from './frozenWeights.ts';
import { hostBackend } from './hostBackend.ts';

let tensorsBefore = 0;
let arraysBefore = 0;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

beforeEach(() => {
  tensorsBefore = tf.memory().numTensors;
  arraysBefore = hostBackend().numDataIds();
});

afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
  expect(hostBackend().numDataIds()).toBe(arraysBefore);
});

// 1, 2 and -3.
const narrow = { dtype: 'bfloat16', shape: [3], data: Uint16Array.of(0x3f80, 0x4000, 0xc040) } as const;
const stored: Readonly<Partial<Record<DType, HostArray>>> = {
  bfloat16: narrow,
  float16: { dtype: 'float16', shape: [3], data: Uint16Array.of(0x3c00, 0x4000, 0xc200) },
  float8_e4m3: { dtype: 'float8_e4m3', shape: [3], data: Uint8Array.of(0x38, 0x40, 0xc4) },
  float8_e5m2: { dtype: 'float8_e5m2', shape: [3], data: Uint8Array.of(0x3c, 0x40, 0xc2) },
  float64: { dtype: 'float64', shape: [3], data: Float64Array.of(1, 2, -3) },
};

/** An array that counts how often its values are asked for. */
function counted({ dtype, shape, data }: HostArray) {
  const counts = { reads: 0 };
  const array: HostArray = {
    dtype,
    shape,
    get data() {
      counts.reads++;
      return data;
    },
  };
  return { array, counts };
}

it('are the stored arrays themselves, 16 bits widened once for all who ask', async () => {
  const wide = hostArray([1, 2, 3, 4], [2, 2]);
  const weights = new Weights([
    ['wide', wide],
    ['narrow', narrow],
  ]);
  const frozen = FrozenWeights.of(weights);
  expect(FrozenWeights.of(weights)).toBe(frozen);
  const tensors = frozen.tensors();
  expect(Object.entries(tensors).map(([path, { shape, dtype }]) => [path, shape, dtype])).toEqual([
    ['narrow', [3], 'float32'],
    ['wide', [2, 2], 'float32'],
  ]);
  expect(hostBackend().arrayOf(tensors.wide as tf.Tensor)).toBe(wide.data);
  expect(await frozen.arrayOf('wide')).toBe(wide.data);
  const widened = await frozen.arrayOf('narrow');
  expect(widened).toEqual(Float32Array.of(1, 2, -3));
  expect(await frozen.arrayOf('narrow')).toBe(widened);
  // Who reads the tensor finds the same values, not other ones.
  expect(hostBackend().arrayOf(tensors.narrow as tf.Tensor)).toBe(widened);
  weights.dispose();
});

it('are found anew once they are rewritten, and where an operation took them elsewhere', async () => {
  const base = new Weights([['narrow', narrow]]);
  const fork = base.fork();
  const frozen = FrozenWeights.of(fork);
  expect(frozen.versionOf('narrow')).toBe(0);
  expect(tf.tidy(() => [...tf.neg(base.tensor('narrow')).dataSync()])).toEqual([-1, -2, 3]);
  expect(await frozen.arrayOf('narrow')).toEqual(Float32Array.of(1, 2, -3));
  const written = (...bits: number[]): HostArray => ({ dtype: 'bfloat16', shape: [3], data: Uint16Array.from(bits) });
  fork.write('narrow', written(0, 0, 0x4040));
  expect(frozen.versionOf('narrow')).toBe(1);
  expect(await frozen.arrayOf('narrow')).toEqual(Float32Array.of(0, 0, 3));
  // Versions of a fork begin again once it gave up its copies.
  fork.dispose();
  fork.write('narrow', written(0x3f80, 0, 0));
  expect(frozen.versionOf('narrow')).toBe(1);
  expect(await frozen.arrayOf('narrow')).toEqual(Float32Array.of(1, 0, 0));
  fork.dispose();
  base.dispose();
});

describe.each(Object.keys(stored) as DType[])('weights stored as %s', (dtype) => {
  const made = () => {
    const { array, counts } = counted(stored[dtype] as HostArray);
    return { counts, base: new Weights([['w', array]]) };
  };
  const values = (tensor: tf.Tensor) => [...tensor.dataSync()];

  it('are captured without being read', async () => {
    const { base, counts } = made();
    const fork = base.fork();
    const scaled: StepFunction = (state, { by }) => ({
      state,
      metrics: {},
      outputs: { y: tf.mul(fork.tensor('w'), by as tf.Tensor) },
    });
    for (let capture = 0; capture < 2; capture++) {
      const { feeds, graph } = await captureFunction(scaled, {
        state: {},
        inputs: { by: { shape: [], dtype: 'float32' } },
        weights: FrozenWeights.of(fork).tensors(),
      });
      expect(feeds).toEqual([
        { kind: 'input', path: 'by' },
        { kind: 'weight', path: 'w' },
      ]);
      expect(graph.parameters.map(({ value }) => value)).toEqual([{ shape: [3], dtype: 'float32' }]);
    }
    expect([counts.reads, base.uploads]).toEqual([0, 1]);
    fork.dispose();
    base.dispose();
  });

  it('are widened once for a base and its forks', async () => {
    const { base, counts } = made();
    const forks = [base.fork(), base.fork()];
    const [first, ...others] = await Promise.all(
      [base, ...forks].map((weights) => FrozenWeights.of(weights).arrayOf('w')),
    );
    expect(first).toEqual(Float32Array.of(1, 2, -3));
    for (const other of others) expect(other).toBe(first);
    expect(counts.reads).toBe(1);
    for (const weights of [...forks, base]) weights.dispose();
  });

  it('are the values that an eager operation reads after a capture, widened when it does', () => {
    const { base, counts } = made();
    const { w } = FrozenWeights.of(base).tensors();
    expect([w === base.tensor('w'), counts.reads]).toEqual([true, 0]);
    expect(tf.tidy(() => values(tf.neg(base.tensor('w'))))).toEqual([-1, -2, 3]);
    expect(tf.tidy(() => values(tf.neg(base.tensor('w'))))).toEqual([-1, -2, 3]);
    expect(counts.reads).toBe(1);
    base.dispose();
  });

  it('are copied by the fork that writes them, which frees what nobody else reads', async () => {
    const { base, counts } = made();
    const [left, right] = [base.fork(), base.fork()];
    const shared = FrozenWeights.of(left).tensors().w as tf.Tensor;
    const merged = hostArray([7, 8, 9]);
    left.write('w', merged);
    expect(await FrozenWeights.of(left).arrayOf('w')).toBe(merged.data);
    expect(values(FrozenWeights.of(left).tensors().w as tf.Tensor)).toEqual([7, 8, 9]);
    expect([FrozenWeights.of(right).tensors().w === shared, shared.isDisposed, counts.reads]).toEqual([true, false, 0]);
    left.dispose();
    expect(FrozenWeights.of(left).tensors().w).toBe(shared);
    right.dispose();
    const alone = base.fork();
    expect(FrozenWeights.of(alone).tensors().w).toBe(shared);
    alone.write('w', merged);
    left.dispose();
    expect([shared.isDisposed, base.uploads, counts.reads]).toEqual([true, 0, 0]);
    alone.dispose();
    expect(values(FrozenWeights.of(base).tensors().w as tf.Tensor)).toEqual([1, 2, -3]);
    base.dispose();
  });

  it('leave the base with what it is freed with, read or not', () => {
    const { base, counts } = made();
    const once = FrozenWeights.of(base).tensors().w as tf.Tensor;
    base.freeUploads();
    expect([once.isDisposed, base.uploads, counts.reads]).toEqual([true, 0, 0]);
    expect(hostBackend().numDataIds()).toBe(arraysBefore);
    const again = FrozenWeights.of(base).tensors().w as tf.Tensor;
    expect([again.isDisposed, values(again)]).toEqual([false, [1, 2, -3]]);
    base.dispose();
  });
});

it('integers too large for a tensor are refused by the capture, before a run', () => {
  const weights = new Weights([['w', { dtype: 'int64', shape: [1], data: BigInt64Array.of(1n << 40n) }]]);
  expect(() => FrozenWeights.of(weights).tensors()).toThrow(
    'the int64 value 1099511627776 does not fit int32, the widest integer of a tensor; scale or re-index the data.',
  );
  expect(tf.getBackend()).toBe('cpu');
});
