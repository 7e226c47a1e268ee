import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  anyAdapters,
  combine,
  expectDeltas,
  model,
  sizeAt,
  type WeightedDraw,
  withDrawn,
} from '../../test/combine/combining.ts';
import type { Election } from './combineOptions.ts';

const seed = 20260302;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** The entries with the largest magnitudes, by sorting all of them. */
function trimmed(delta: Float64Array, density: number): Float64Array {
  const count = Math.trunc(Number((delta.length * density).toFixed(6)));
  const ranked = [...delta.keys()].sort((left, right) => Math.abs(delta[right] ?? 0) - Math.abs(delta[left] ?? 0));
  const kept = new Set(ranked.slice(0, count));
  return delta.map((value, at) => (kept.has(at) ? value : 0));
}

/** TIES by its three steps as the paper says them, on the weighted changes. */
function ties(
  drawn: readonly WeightedDraw[],
  path: string,
  { density, election }: { density: number; election: Election },
) {
  const stack = drawn.flatMap(({ deltas, weight }) => {
    const delta = deltas[path];
    return delta ? [trimmed(delta, density).map((value) => weight * value)] : [];
  });
  return Float64Array.from({ length: sizeAt(path) }, (_, at) => {
    const entries = stack.map((delta) => delta[at] as number);
    const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
    const votes = total(entries.map(Math.sign));
    const elected = election === 'frequency' && votes !== 0 ? Math.sign(votes) : Math.sign(total(entries));
    const agreeing = entries.filter((value) => value !== 0 && Math.sign(value) === elected);
    return agreeing.length === 0 ? 0 : total(agreeing) / agreeing.length;
  });
}

describe(`methods on changes (seed ${seed})`, () => {
  it('ties is trim, elect and mean as the paper has them, on the changes', async () => {
    const same = fc.asyncProperty(
      anyAdapters,
      fc.constantFrom(0.1, 0.29, 0.5, 0.8, 1),
      fc.constantFrom<Election>('total', 'frequency'),
      (cases, density, election) =>
        withDrawn(cases, async (drawn) => {
          const { deltas } = await combine(drawn, { method: 'ties', density, election, rank: 'full' });
          expectDeltas(deltas, (path) => ties(drawn, path, { density, election }), { drawn });
        }),
    );
    await fc.assert(same, { seed, numRuns: 20 });
  });

  it('magnitudePrune sums the largest entries of each change', async () => {
    const same = fc.asyncProperty(anyAdapters, fc.constantFrom(0.1, 0.5, 0.8), (cases, density) =>
      withDrawn(cases, async (drawn) => {
        const { deltas } = await combine(drawn, { method: 'magnitudePrune', density, rank: 'full' });
        const sum = (path: string) => {
          const total = new Float64Array(sizeAt(path));
          for (const { deltas: own, weight } of drawn) {
            for (const [at, value] of trimmed(own[path] ?? total, density).entries()) {
              if (own[path]) total[at] = (total[at] as number) + weight * value;
            }
          }
          return total;
        };
        expectDeltas(deltas, sum, { drawn });
      }),
    );
    await fc.assert(same, { seed, numRuns: 10 });
  });

  it('dareLinear is the sum in the mean over seeds: within its standard error, entry by entry', async () => {
    const cases = [
      { kind: 'lora', seed: 1, weight: 0.5 },
      { kind: 'adalora', seed: 2, weight: -1.5 },
    ] as const;
    await withDrawn(cases, async (drawn) => {
      const [density, draws] = [0.4, 100];
      const sums = new Map(model.targets.map(({ path }) => [path, new Float64Array(sizeAt(path))]));
      for (let draw = 0; draw < draws; draw++) {
        const { deltas } = await combine(drawn, { method: 'dareLinear', density, seed: draw, rank: 'full' });
        for (const [path, total] of sums) {
          for (let at = 0; at < total.length; at++) total[at] = (total[at] as number) + (deltas[path]?.[at] ?? 0);
        }
      }
      const scores = model.targets.flatMap(({ path }) => {
        const total = sums.get(path) as Float64Array;
        return [...total].flatMap((value, at) => {
          const terms = drawn.map(({ deltas, weight }) => weight * (deltas[path]?.[at] ?? 0));
          const expected = terms.reduce((sum, term) => sum + term, 0);
          const deviation = Math.sqrt(terms.reduce((sum, term) => sum + term ** 2, 0) * ((1 / density - 1) / draws));
          return deviation === 0 ? [] : [(value / draws - expected) / deviation];
        });
      });
      expect(scores.length).toBeGreaterThan(150);
      expect(Math.max(...scores.map(Math.abs))).toBeLessThan(5);
      const spread = scores.reduce((sum, score) => sum + score ** 2, 0) / scores.length;
      expect(spread).toBeGreaterThan(0.7);
      expect(spread).toBeLessThan(1.3);
    });
  });

  it('dareTies is ties of what dareLinear drops: with one adapter they are one', async () => {
    await withDrawn([{ kind: 'chain', seed: 3, weight: 2 }], async (drawn) => {
      const options = { density: 0.5, seed: 9, rank: 'full' } as const;
      const linear = await combine(drawn, { method: 'dareLinear', ...options });
      const { deltas } = await combine(drawn, { method: 'dareTies', ...options });
      expect(deltas).toEqual(linear.deltas);
    });
  });

  it('dareTies takes, of what two adapters keep, the mean of those that agree', async () => {
    const cases = [
      { kind: 'lora', seed: 1, weight: 1 },
      { kind: 'rsLora', seed: 2, weight: -0.5 },
    ] as const;
    await withDrawn(cases, async (drawn) => {
      const options = { density: 0.6, seed: 4, rank: 'full' } as const;
      const alone = async (at: number) => {
        const others = drawn.map((each, index) => ({ ...each, weight: index === at ? each.weight : 0 }));
        return (await combine(others, { method: 'dareLinear', ...options })).deltas;
      };
      const [left, right] = [await alone(0), await alone(1)];
      const { deltas } = await combine(drawn, { method: 'dareTies', ...options });
      const expected = (path: string) =>
        Float64Array.from({ length: sizeAt(path) }, (_, at) => {
          const entries = [left[path]?.[at] ?? 0, right[path]?.[at] ?? 0].map((value) =>
            Math.abs(value) < 1e-5 ? 0 : value,
          );
          const sign = Math.sign((entries[0] as number) + (entries[1] as number));
          const agreeing = entries.filter((value) => value !== 0 && Math.sign(value) === sign);
          return agreeing.length === 0 ? 0 : agreeing.reduce((sum, value) => sum + value, 0) / agreeing.length;
        });
      expectDeltas(deltas, expected, { drawn, tolerance: 1e-5 });
    });
  });

  it('draws anew for another seed, another target and another position', async () => {
    const zeros = (delta: Float64Array | undefined) => [...(delta ?? [])].map((value) => Math.abs(value) < 1e-5).join();
    await withDrawn(
      [
        { kind: 'lora', seed: 1 },
        { kind: 'lora', seed: 1 },
      ],
      async (drawn) => {
        const at = async (of: readonly WeightedDraw[], draw: number) =>
          (await combine(of, { method: 'dareLinear', density: 0.5, seed: draw, rank: 'full' })).deltas;
        const [first, second] = [drawn.slice(0, 1), drawn.map((each, index) => ({ ...each, weight: index }))];
        const one = await at(first, 1);
        expect(zeros(one['layer.0.query'])).not.toBe(zeros((await at(first, 2))['layer.0.query']));
        expect(zeros(one['layer.0.query'])).not.toBe(zeros(one['layer.1.query']));
        expect(zeros(one['layer.0.query'])).not.toBe(zeros((await at(second, 1))['layer.0.query']));
      },
    );
  });

  it('says how much a bounded rank leaves out of a thinned change', async () => {
    await withDrawn([{ kind: 'lora', seed: 1 }], async (drawn) => {
      const options = { method: 'magnitudePrune', density: 0.4 } as const;
      const { deltas: exact } = await combine(drawn, { ...options, rank: 'full' as const });
      const { deltas, report } = await combine(drawn, options);
      for (const { path, rank, norm, error } of report) {
        const [whole, part] = [exact[path] as Float64Array, deltas[path] as Float64Array];
        const off = Math.hypot(...whole.map((value, at) => value - (part[at] as number)));
        expect(rank).toBe(3);
        expect(Math.abs(error - off / norm)).toBeLessThan(1e-6);
      }
      expect(Math.max(...report.map(({ error }) => error))).toBeGreaterThan(0.05);
    });
  });
});
