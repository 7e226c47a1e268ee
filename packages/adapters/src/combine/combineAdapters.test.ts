import { disposeAdapter } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  anyAdapter,
  anyAdapters,
  combine,
  expectDeltas,
  model,
  sumAt,
  withDrawn,
} from '../../test/combine/combining.ts';
import { singularValues } from '../../test/combine/singularValues.ts';
import { combineAdapters } from './combineAdapters.ts';
import type { CombineOptions, CombineProgress } from './combineOptions.ts';

const seed = 20260301;
const few = { seed, numRuns: 8 };
const many = { seed, numRuns: 20 };

/** Every method with nothing dropped and no bound on the rank. */
const whole: readonly CombineOptions[] = [
  { method: 'cat' },
  { method: 'linear' },
  { method: 'svd', rank: 'full' },
  { method: 'magnitudePrune', density: 1, rank: 'full' },
  { method: 'ties', density: 1, rank: 'full' },
  { method: 'ties', density: 1, election: 'frequency', rank: 'full' },
  { method: 'dareLinear', density: 1, rank: 'full' },
  { method: 'dareTies', density: 1, rank: 'full' },
];

/** Every method that drops something, and those that drop nothing, with no bound on the rank. */
const thinned: readonly CombineOptions[] = [
  { method: 'cat' },
  { method: 'linear' },
  { method: 'magnitudePrune', density: 0.3, rank: 'full' },
  { method: 'ties', density: 0.6, rank: 'full' },
  { method: 'ties', density: 0.6, election: 'frequency', rank: 'full' },
  { method: 'dareLinear', density: 0.4, seed: 3, rank: 'full' },
  { method: 'dareTies', density: 0.4, seed: 3, election: 'frequency', rank: 'full' },
];

const withWeights = <T extends { readonly weight: number }>(
  drawn: readonly T[],
  weightOf: (weight: number) => number,
) => drawn.map((each) => ({ ...each, weight: weightOf(each.weight) }));

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe(`combineAdapters, over adapters of every strategy (seed ${seed})`, () => {
  it('cat and linear are the weighted sum of the changes', async () => {
    const sums = fc.asyncProperty(anyAdapters, (cases) =>
      withDrawn(cases, async (drawn) => {
        for (const method of ['cat', 'linear'] as const) {
          const { deltas } = await combine(drawn, { method });
          expectDeltas(deltas, (path) => sumAt(drawn, path).sum, { drawn });
        }
      }),
    );
    await fc.assert(sums, many);
  });

  it('a single adapter of weight 1 is itself by every method, one of weight -1 its negation', async () => {
    const identity = fc.asyncProperty(anyAdapter, fc.constantFrom(1, -1), (drawnCase, weight) =>
      withDrawn([{ ...drawnCase, weight }], async (drawn) => {
        for (const options of whole) {
          const { deltas } = await combine(drawn, options);
          expectDeltas(deltas, (path) => sumAt(drawn, path).sum, { drawn });
        }
      }),
    );
    await fc.assert(identity, few);
  });

  it('with nothing dropped, magnitudePrune and dareLinear are the sum, and with a single adapter ties and dareTies too', async () => {
    const reduction = fc.asyncProperty(anyAdapters, (cases) =>
      withDrawn(cases, async (drawn) => {
        const used =
          drawn.length === 1 ? whole : whole.filter(({ method }) => method !== 'ties' && method !== 'dareTies');
        for (const options of used) {
          const { deltas } = await combine(drawn, options);
          expectDeltas(deltas, (path) => sumAt(drawn, path).sum, { drawn });
        }
      }),
    );
    await fc.assert(reduction, few);
  });

  it('a common factor of the weights is a factor of the result, a negative one too', async () => {
    const scaling = fc.asyncProperty(anyAdapters, fc.constantFrom(0.5, -1, -3), (cases, factor) =>
      withDrawn(cases, async (drawn) => {
        const times = withWeights(drawn, (weight) => weight * factor);
        for (const options of thinned) {
          const { deltas } = await combine(drawn, options);
          const { deltas: scaled } = await combine(times, options);
          const expected = (path: string) => (deltas[path] as Float64Array).map((value) => value * factor);
          expectDeltas(scaled, expected, { drawn: times, tolerance: 5e-6 });
        }
      }),
    );
    await fc.assert(scaling, few);
  });

  it('the order of the adapters does not matter where nothing is drawn', async () => {
    const order = fc.asyncProperty(anyAdapters, (cases) =>
      withDrawn(cases, async (drawn) => {
        for (const options of thinned.filter(({ method }) => !method?.startsWith('dare'))) {
          const { deltas } = await combine(drawn, options);
          const { deltas: reversed } = await combine([...drawn].reverse(), options);
          expectDeltas(reversed, (path) => deltas[path] as Float64Array, { drawn, tolerance: 5e-6 });
        }
      }),
    );
    await fc.assert(order, few);
  });

  it('an adapter of weight 0 changes nothing by any method', async () => {
    const absence = fc.asyncProperty(anyAdapters, anyAdapter, (cases, extra) =>
      withDrawn([...cases, { ...extra, weight: 0 }], async (drawn) => {
        for (const options of thinned) {
          const { deltas, targets } = await combine(drawn, options);
          const { deltas: without, targets: fewer } = await combine(drawn.slice(0, -1), options);
          expect(deltas).toEqual(without);
          expect(targets).toEqual(fewer);
        }
      }),
    );
    await fc.assert(absence, few);
  });

  it('svd is the best approximation of its rank: the error is the norm of the singular values left out', async () => {
    const best = fc.asyncProperty(anyAdapters, fc.integer({ min: 1, max: 4 }), (cases, rank) =>
      withDrawn(cases, async (drawn) => {
        const { deltas, report } = await combine(drawn, { method: 'svd', rank });
        for (const { path, error, norm, rank: kept } of report) {
          const { sum, terms } = sumAt(drawn, path);
          const width = model.targets.find((target) => target.path === path)?.shape[1] as number;
          const tail = Math.hypot(...singularValues(sum, width).slice(rank));
          const off = Math.hypot(...sum.map((value, at) => value - ((deltas[path] as Float64Array)[at] as number)));
          expect(kept).toBeLessThanOrEqual(rank);
          expect(Math.abs(off - tail)).toBeLessThanOrEqual(1e-6 * terms);
          expect(Math.abs(error * norm - tail)).toBeLessThanOrEqual(1e-6 * terms);
          expect(Math.abs(norm - Math.hypot(...sum))).toBeLessThanOrEqual(1e-6 * terms);
          expect(Math.hypot(...singularValues(deltas[path] as Float64Array, width).slice(rank))).toBeLessThanOrEqual(
            1e-6 * terms,
          );
        }
      }),
    );
    await fc.assert(best, many);
  });

  it('the same call gives the same bits', async () => {
    await withDrawn(
      [
        { kind: 'adalora', seed: 4, weight: 0.7 },
        { kind: 'chain', seed: 5, weight: -0.4 },
      ],
      async (drawn) => {
        for (const options of [...whole, ...thinned]) {
          expect(await combine(drawn, options)).toEqual(await combine(drawn, options));
        }
      },
    );
  });
});

describe('combineAdapters', () => {
  it('adds up the ranks that live by cat, and keeps the rank of the sum by linear', async () => {
    await withDrawn(
      [
        { kind: 'lora', seed: 1 },
        { kind: 'patterns', seed: 2 },
        { kind: 'lora', seed: 1 },
      ],
      async (drawn) => {
        const ranks = ({ report }: Awaited<ReturnType<typeof combine>>) =>
          Object.fromEntries(report.map(({ path, rank }) => [path, rank]));
        // The first and third are one draw without "square", of rank 3; the second has no "layer.0.up".
        expect(ranks(await combine(drawn, { method: 'cat' }))).toEqual({
          embed: 3 + 2 + 3,
          'layer.0.query': 3 + 4 + 3,
          'layer.0.up': 3 + 3,
          'layer.1.query': 3 + 4 + 3,
          square: 2,
          tied: 3 + 2 + 3,
        });
        expect(ranks(await combine(drawn, { method: 'linear' }))).toEqual({
          embed: 5,
          'layer.0.query': 5,
          'layer.0.up': 3,
          'layer.1.query': 5,
          square: 2,
          tied: 5,
        });
        expect(ranks(await combine(drawn, { method: 'svd' }))).toMatchObject({ embed: 3, 'layer.0.query': 4 });
      },
    );
  });

  it('leaves out targets whose change is 0: none of masked triplets, none where adapters cancel', async () => {
    await withDrawn([{ kind: 'adalora', seed: 1 }], async (drawn) => {
      const [first] = drawn;
      if (!first) throw new Error('nothing drawn');
      const masks = first.adapter.adapter.state.mask as Readonly<Record<string, tf.Tensor>>;
      const { targets, report } = await combine(drawn, { method: 'cat' });
      const { embed, ...live } = Object.fromEntries(report.map(({ path, rank }) => [path, rank]));
      expect(embed).toBe(0);
      const counts = Object.keys(live).map((path) => tf.tidy(() => tf.sum(masks[path] as tf.Tensor).dataSync()[0]));
      expect(Object.values(live)).toEqual(counts);
      expect(Math.min(...Object.values(live))).toBeLessThan(4);
      expect(targets).toEqual(Object.keys(live));
      for (const options of thinned.slice(1).filter(({ method }) => !method?.startsWith('dare'))) {
        const both = [first, { ...first, weight: -1 }];
        expect((await combine(both, options)).targets, options.method).toEqual([]);
      }
    });
  });

  it('tells of every target after it is done, and lets the event loop turn', async () => {
    await withDrawn([{ kind: 'lora', seed: 1 }], async (drawn) => {
      const seen: (CombineProgress | 'turn')[] = [];
      const timer = setInterval(() => seen.push('turn'), 0);
      const { adapter } = await combineAdapters(model, drawn, { onProgress: (progress) => seen.push(progress) });
      clearInterval(timer);
      disposeAdapter(adapter);
      expect(seen.filter((each) => each !== 'turn')).toEqual(
        adapter.targets.map(({ path }, at) => ({ target: path, done: at + 1, total: adapter.targets.length })),
      );
      expect(seen.filter((each) => each === 'turn').length).toBeGreaterThan(2);
    });
  });
});
