import * as tf from '@tensorflow/tfjs';
import { afterEach, expect, it, vi } from 'vitest';
import { onEachBackend } from '../test/onEachBackend.ts';
import { operation } from './operation.ts';

/** y = x^2 * by, under a name of its own for each test. */
function scaledSquare(
  name: string,
  compose = ({ x }: { readonly x: tf.Tensor }, { by }: { readonly by: number }) => tf.mul(tf.square(x), by),
) {
  return operation<'x', { by: number }>({
    name,
    compose,
    gradient: { saves: ['x'], of: (dy, { x }, { by }) => ({ x: () => tf.mul(dy, tf.mul(x, 2 * by)) }) },
  });
}

onEachBackend((backend) => {
  const name = (text: string) => `PeftTest${text}-${backend}`;
  afterEach(() => vi.restoreAllMocks());

  it('runs as one kernel, with its own gradient, and keeps nothing', () => {
    const square = scaledSquare(name('Square'));
    const x = tf.tensor1d([2, -3]);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      expect(square({ x }, { by: 10 }).arraySync()).toEqual([40, 90]);
      expect(
        tf
          .grad((input) => tf.sum(square({ x: input }, { by: 10 })))(x)
          .arraySync(),
      ).toEqual([40, -60]);
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(tf.getKernel(name('Square'), backend)).toBeDefined();
  });

  it('prefers the kernel a backend registered, before the first use or after it', () => {
    const constant = (value: number): tf.KernelConfig => ({
      kernelName: name('Own'),
      backendName: backend,
      kernelFunc: ({ attrs }) => tf.scalar(value * ((attrs as { by?: number })?.by ?? 0)),
    });
    const square = scaledSquare(name('Own'));
    const x = tf.scalar(3);
    tf.registerKernel(constant(5));
    expect(square({ x }, { by: 2 }).arraySync()).toBe(10);
    tf.unregisterKernel(name('Own'), backend);
    expect(square({ x }, { by: 2 }).arraySync()).toBe(18);
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    tf.registerKernel(constant(7));
    expect(square({ x }, { by: 2 }).arraySync()).toBe(14);
    expect(
      tf
        .grad((input) => square({ x: input }, { by: 2 }))(x)
        .arraySync(),
    ).toBe(12);
  });

  it('registers once when two copies of the package define the same operation', () => {
    const warn = vi.spyOn(console, 'warn');
    const first = scaledSquare(name('Twice'));
    const second = scaledSquare(name('Twice'));
    const x = tf.scalar(3);
    expect([first({ x }, { by: 1 }).arraySync(), second({ x }, { by: 2 }).arraySync()]).toEqual([9, 18]);
    const [kernel, gradient] = [tf.getKernel(name('Twice'), backend), tf.getGradient(name('Twice'))];
    expect(
      tf
        .grad((input) => second({ x: input }, { by: 1 }))(x)
        .arraySync(),
    ).toBe(6);
    expect(tf.getKernel(name('Twice'), backend)).toBe(kernel);
    expect(tf.getGradient(name('Twice'))).toBe(gradient);
    expect(warn).not.toHaveBeenCalled();
  });

  it('takes the way given for the active backend over the general one', () => {
    const which = operation<'x', { by: number }>({
      name: name('Which'),
      compose: () => tf.scalar(0),
      onBackend: { cpu: () => tf.scalar(1), wasm: () => tf.scalar(2) },
    });
    expect(which({ x: tf.scalar(0) }, { by: 1 }).arraySync()).toBe({ cpu: 1, wasm: 2 }[backend] ?? 0);
  });

  it('records one node on the tape: what the composition runs is not differentiated', () => {
    const floor = operation<'x', { by: number }>({
      name: name('Straight'),
      compose: ({ x }) => tf.floor(x),
      gradient: { saves: [], of: (dy) => ({ x: () => tf.mul(dy, 1) }) },
    });
    expect(
      tf
        .grad((input) => floor({ x: input }, { by: 1 }))(tf.scalar(2.5))
        .arraySync(),
    ).toBe(1);
  });
});
