import { PeftError } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type HostArray, hostArray } from './hostArray.ts';
import { Weights } from './weights.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const arrays = (): [string, HostArray][] => [
  ['layer.1.weight', hostArray([1, 2, 3, 4], [2, 2])],
  ['layer.0.weight', hostArray([5, 6])],
  ['table', { dtype: 'float16', shape: [3], data: Uint16Array.of(0x3c00, 0, 0x4000) }],
];
const made = () => new Weights(arrays());

describe('Weights', () => {
  it('list their paths in order and refuse an unknown one with its neighbours', () => {
    const weights = made();
    expect(weights.paths).toEqual(['layer.0.weight', 'layer.1.weight', 'table']);
    expect([weights.has('table'), weights.has('chair')]).toEqual([true, false]);
    expect(() => weights.get('layer.2.weight')).toThrow(
      new PeftError(
        'weights/unknown',
        'the model has no weight "layer.2.weight"; it has 3 weights, among them layer.0.weight, layer.1.weight.',
      ),
    );
    expect(() => weights.tensor('nothing')).toThrow('the model has no weight "nothing"; it has 3 weights.');
  });

  it('upload once, again after a disposal, and hold what they uploaded until disposed', () => {
    const weights = made();
    const before = tf.memory().numTensors;
    const tensor = tf.tidy(() => weights.tensor('table'));
    expect([tensor.isDisposed, tensor.dtype, Array.from(tensor.dataSync())]).toEqual([false, 'float32', [1, 0, 2]]);
    expect(weights.tensor('table')).toBe(tensor);
    expect(weights.uploads).toBe(1);
    tensor.dispose();
    const again = weights.tensor('table');
    expect([again === tensor, again.isDisposed]).toEqual([false, false]);
    weights.dispose();
    expect([tf.memory().numTensors, weights.uploads]).toEqual([before, 0]);
    expect(weights.tensor('table').isDisposed).toBe(false);
    weights.dispose();
  });

  it('are uploaded by who asks first, in his way, for all who ask later', () => {
    const base = made();
    const before = tf.memory().numTensors;
    const [fork, other] = [base.fork(), base.fork()];
    const uploaded: HostArray[] = [];
    const upload = (array: HostArray) => {
      uploaded.push(array);
      return tf.tensor1d([5, 5, 5]);
    };
    const tensor = tf.tidy(() => fork.tensor('table', upload));
    expect([tensor.isDisposed, ...tensor.dataSync()]).toEqual([false, 5, 5, 5]);
    for (const weights of [base, fork, other]) expect(weights.tensor('table')).toBe(tensor);
    expect(other.tensor('table', upload)).toBe(tensor);
    expect(uploaded).toEqual([base.get('table')]);
    const written = hostArray([1, 2, 3]);
    fork.write('table', written);
    expect(fork.tensor('table', upload)).not.toBe(tensor);
    expect([uploaded.at(-1) === written, base.tensor('table') === tensor]).toEqual([true, true]);
    base.freeUploads();
    expect(Array.from(other.tensor('table').dataSync())).toEqual([1, 0, 2]);
    for (const weights of [fork, other, base]) weights.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('are written only through a fork, which keeps its copy to itself', async () => {
    const base = made();
    const untouched = base.get('layer.0.weight');
    expect(() => base.write('layer.0.weight', hostArray([0, 0]))).toThrow(
      'the loaded weight "layer.0.weight" is never written; write to a fork() of the weights.',
    );
    const [left, right] = [base.fork(), base.fork()];
    expect(left.tensor('layer.0.weight')).toBe(base.tensor('layer.0.weight'));
    const first = left.tensor('layer.0.weight');
    left.write('layer.0.weight', hostArray([7, 8]));
    expect(first.isDisposed).toBe(false);
    expect(Array.from(left.tensor('layer.0.weight').dataSync())).toEqual([7, 8]);
    expect([left.versionOf('layer.0.weight'), base.versionOf('layer.0.weight')]).toEqual([1, 0]);
    expect([left.written, right.written, base.written]).toEqual([['layer.0.weight'], [], []]);
    expect(right.get('layer.0.weight')).toBe(untouched);
    const second = left.tensor('layer.0.weight');
    left.write('layer.0.weight', hostArray([9, 9]));
    expect([left.versionOf('layer.0.weight'), left.tensor('layer.0.weight') === second]).toEqual([2, false]);
    expect(second.isDisposed).toBe(true);
    left.dispose();
    expect([left.get('layer.0.weight'), left.written]).toEqual([untouched, []]);
    base.dispose();
  });
});

it('a revision grows with every change below it, and with no other', () => {
  const base = made();
  const fork = base.fork();
  const nested = fork.fork();
  const revisions = () => [base, fork, nested].map(({ revision }) => revision);
  nested.tensor('table');
  expect(revisions()).toEqual([0, 0, 0]);
  fork.write('table', hostArray([1, 2, 3]));
  expect(revisions()).toEqual([0, 1, 1]);
  nested.write('table', hostArray([4, 5, 6]));
  expect(revisions()).toEqual([0, 1, 2]);
  nested.dispose();
  expect(revisions()).toEqual([0, 1, 3]);
  fork.dispose();
  expect(revisions()).toEqual([0, 2, 4]);
  base.dispose();
});

describe('a base whose only fork copies a weight', () => {
  it('drops its own upload, and keeps it for other forks', async () => {
    const base = made();
    const alone = base.fork();
    alone.tensor('table');
    alone.write('table', hostArray([1, 2, 3]));
    expect(base.uploads).toBe(0);
    alone.dispose();
    alone.dispose();
    const [left, right] = [base.fork(), base.fork()];
    const shared = right.tensor('table');
    left.write('table', hostArray([1, 2, 3]));
    expect([base.uploads, shared.isDisposed]).toEqual([1, false]);
    left.dispose();
    const nested = right.fork();
    nested.write('table', hostArray([4, 5, 6]));
    expect([base.uploads, Array.from(right.tensor('table').dataSync())]).toEqual([0, [1, 0, 2]]);
    base.dispose();
  });
});

describe('the fingerprint', () => {
  const fingerprintWith = (change: (entries: [string, HostArray][]) => [string, HostArray][]) =>
    new Weights(change(arrays())).fingerprint();

  it('is the same for the same weights in any order, and for a fork that changed nothing', async () => {
    const base = made();
    expect(base.fingerprint()).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprintWith((entries) => entries.reverse())).toBe(base.fingerprint());
    const fork = base.fork();
    expect(fork.fingerprint()).toBe(base.fingerprint());
    fork.write('layer.0.weight', hostArray([5, 7]));
    expect(fork.fingerprint()).not.toBe(base.fingerprint());
    fork.dispose();
    expect(fork.fingerprint()).toBe(base.fingerprint());
  });

  it('changes with any one value, shape, dtype or path', () => {
    const seen = new Set([made().fingerprint()]);
    for (const [path, array] of arrays()) {
      for (let i = 0; i < array.data.length; i++) {
        const data = array.data.slice();
        data[i] = (data[i] as number) + 1;
        seen.add(fingerprintWith((all) => all.map((each) => (each[0] === path ? [path, { ...array, data }] : each))));
      }
    }
    seen.add(fingerprintWith(([first, ...rest]) => [[first?.[0] ?? '', hostArray([1, 2, 3, 4], [4])], ...rest]));
    seen.add(fingerprintWith(([first, ...rest]) => [['layer.2.weight', first?.[1] ?? hostArray([])], ...rest]));
    const bits: HostArray = { dtype: 'bfloat16', shape: [3], data: Uint16Array.of(0x3c00, 0, 0x4000) };
    seen.add(fingerprintWith(([first, second]) => [first, second, ['table', bits]] as [string, HostArray][]));
    expect(seen.size).toBe(1 + 9 + 3);
  });

  it('sees one changed value among a million, wherever it is, and bytes at any offset', () => {
    const values = new Float32Array(1_000_003);
    const plain = new Weights([['w', hostArray(values)]]).fingerprint();
    for (const at of [0, 777_777, 1_000_002]) {
      const changed = values.slice();
      changed[at] = 1e-30;
      expect(new Weights([['w', hostArray(changed)]]).fingerprint()).not.toBe(plain);
    }
    const bytes = Uint8Array.of(9, 1, 2, 3, 4, 5, 6, 7);
    const moved: HostArray = { dtype: 'uint8', shape: [7], data: bytes.subarray(1) };
    const copied: HostArray = { dtype: 'uint8', shape: [7], data: bytes.slice(1) };
    expect(new Weights([['w', moved]]).fingerprint()).toBe(new Weights([['w', copied]]).fingerprint());
  });
});
