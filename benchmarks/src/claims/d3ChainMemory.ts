import { cola } from '@peft/cola';
import { type AnyStrategy, adamw, type DataSource, fineTune } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { deepTanh, randomLayers, tanhBatch } from '../problems/deepTanh.ts';
import { plainLora } from '../problems/digitsMethods.ts';
import { squaredError } from '../problems/squaredError.ts';
import type { Claim } from '../report/claim.ts';

const width = 64;
const count = 6;
const links = 6;
const linkSteps = 5;
const rank = 2;
const matrixBytes = 4 * width * width;
const linkBytes = 4 * count * 2 * width * rank;

export const d3ChainMemory: Claim = {
  id: 'D3',
  title: 'A chain needs the memory of one link',
  setting:
    `Six layers of width ${width}, ${links} links of rank ${rank} and ${linkSteps} steps. Tensors and bytes on the backend between steps, at the third step of each link; ` +
    'a peak counts every tensor of the knot, by tfjs’s profiler and at the return of each merge.',
  seeds: 0,
  async run() {
    const began = performance.now();
    const { perLink, peak } = await watchChain();
    const seconds = (performance.now() - began) / 1000;
    const [first, ...others] = perLink;
    const isEqual = others.every((each) => each.tensors === first?.tensors && each.bytes === first.bytes);
    const ratio = (peak - linkBytes) / matrixBytes;
    return {
      rows: [
        {
          id: 'D3.equal',
          what: `tensors and bytes: ${perLink.map(({ tensors, bytes }) => `${tensors} / ${bytes}`).join(', ')} in links 1 to ${links}`,
          figure: isEqual ? 'equal' : 'different',
          threshold: 'exactly those of link 1',
          passed: isEqual,
          seconds,
        },
        {
          id: 'D3.peak',
          what: 'transient peak during a knot, beyond what is held before it and the fresh link, in adapted matrices',
          figure: ratio.toFixed(2),
          threshold: 'at most 2',
          passed: ratio <= 2,
          seconds,
        },
      ],
    };
  },
};

type Held = { readonly tensors: number; readonly bytes: number };

/** Memory in the middle of each link, and the most that a knot after the first one holds beyond the bytes before it. */
async function watchChain(): Promise<{ readonly perLink: readonly Held[]; readonly peak: number }> {
  const layers = randomLayers(1, { width, count });
  const model = deepTanh(layers);
  const batch = tanhBatch(randomLayers(2, { width, count }), 16, 3);
  const data: DataSource = {
    *batches() {
      while (true) yield batch;
    },
  };
  const perLink: Held[] = [];
  let before = 0;
  let peak = 0;
  let isTying = false;
  const notice = (bytes: number) => {
    if (isTying) peak = Math.max(peak, bytes - before);
  };
  const link = plainLora(rank);
  // Inside the host's tidy nothing is freed before the merge returns, so the bytes at its return are its peak.
  const watchedLink: AnyStrategy = {
    ...(link as AnyStrategy),
    merge(adapter, target, weight) {
      const merged = link.merge(adapter as never, target, weight);
      notice(tf.memory().numBytes);
      return merged;
    },
  };
  const chain = cola(watchedLink, { links });
  const strategy: AnyStrategy = {
    ...chain,
    advance(context, adapter, clock) {
      const isKnot = clock.step % linkSteps === 0 && clock.step < links * linkSteps;
      if (!isKnot) return chain.advance?.(context, adapter as never, clock);
      isTying = clock.step > linkSteps;
      before = tf.memory().numBytes;
      return profiled(() => chain.advance?.(context, adapter as never, clock), notice);
    },
  };
  const run = fineTune(model, {
    strategy,
    targets: 'all-linear',
    loss: squaredError,
    data,
    steps: links * linkSteps,
    optimizer: adamw(),
    schedule: 1e-2,
    progress: false,
    onEvent: (event) => {
      if (event.type !== 'step') return;
      isTying = false;
      if (event.step % linkSteps !== 3) return;
      const { numTensors, numBytes } = tf.memory();
      perLink.push({ tensors: numTensors, bytes: numBytes });
    },
  });
  (await run.result).dispose();
  model.weights.dispose();
  return { perLink, peak };
}

/** Runs a host decision under tfjs's profiler and tells the most bytes it held. */
async function profiled<T>(run: () => Promise<T> | undefined, notice: (bytes: number) => void): Promise<T> {
  let value: T | undefined;
  const { peakBytes } = await tf.profile((async () => {
    value = await run();
  }) as unknown as () => tf.TensorContainer);
  notice(peakBytes);
  return value as T;
}
