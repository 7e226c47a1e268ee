import { readFileSync } from 'node:fs';
import { type AnyModel, disposeAdapter, hostArray, type Target, type TrainedAdapter, Weights } from '@peft/core';
import { lora } from '@peft/lora';
import { expectParity } from '@peft/parity';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { deltaIn } from '../../test/combine/deltaIn.ts';
import { trainedOf } from '../../test/combine/drawnAdapter.ts';
import { combineAdapters } from './combineAdapters.ts';
import { combineIntoWeights } from './combineIntoWeights.ts';
import type { CombineIntoWeightsOptions, CombineMethod, CombineOptions, Election } from './combineOptions.ts';

type Numbers = { readonly shape: readonly number[]; readonly values: readonly number[] };
type Config = {
  readonly r: number;
  readonly lora_alpha: number;
  readonly use_rslora?: boolean;
  readonly rank_pattern?: Readonly<Record<string, number>>;
  readonly alpha_pattern?: Readonly<Record<string, number>>;
};
type Golden = {
  readonly base: Readonly<Record<string, Numbers>>;
  readonly adapters: Readonly<
    Record<string, { config: Config; factors: Readonly<Record<string, Readonly<Record<'a' | 'b', Numbers>>>> }>
  >;
  readonly cases: readonly {
    readonly method: CombineMethod;
    readonly weights: Readonly<Record<string, number>>;
    readonly density?: number;
    readonly election?: Election;
    readonly deltas: Readonly<Record<string, Numbers>>;
  }[];
};

const golden = JSON.parse(readFileSync(new URL('__fixtures__/combine.json', import.meta.url), 'utf8')) as Golden;
const targets: readonly Target[] = Object.entries(golden.base).map(([path, { shape }]) => ({
  path,
  kind: path === 'embed' ? 'embedding' : 'dense',
  shape,
}));
const model: AnyModel = {
  targets,
  weights: new Weights(
    Object.entries(golden.base).map(([path, { shape, values }]) => [`${path}.weight`, hostArray(values, shape)]),
  ),
  apply() {
    throw new Error('this model is never called');
  },
};

let adapters: Readonly<Record<string, TrainedAdapter>>;

beforeAll(async () => {
  await tf.setBackend('cpu');
  const tensor = ({ shape, values }: Numbers) => tf.tensor([...values], [...shape]);
  adapters = Object.fromEntries(
    Object.entries(golden.adapters).map(([name, { config, factors }]) => {
      const strategy = lora({
        rank: config.r,
        alpha: config.lora_alpha,
        rsLora: config.use_rslora ?? false,
        rankPattern: config.rank_pattern ?? {},
        alphaPattern: config.alpha_pattern ?? {},
      }) as unknown as TrainedAdapter['strategy'];
      const params = Object.fromEntries(
        Object.entries(factors).map(([path, { a, b }]) => [path, { a: tensor(a), b: tensor(b) }]),
      );
      const own = targets.filter(({ path }) => path in factors);
      return [name, trainedOf(model, own, { strategy, params, state: {}, finished: [] })];
    }),
  );
});

describe('changes that Python PEFT combines', () => {
  it.each(golden.cases)(
    '$method, density $density, election $election',
    async ({ method, weights, deltas, ...more }) => {
      const weighted = Object.entries(weights).map(([name, weight]) => {
        const adapter = adapters[name];
        if (!adapter) throw new Error(name);
        return { adapter, weight };
      });
      const options = { method, ...more } as CombineIntoWeightsOptions;
      const isRanked = method !== 'cat' && method !== 'linear';
      const full = (isRanked ? { ...options, rank: 'full' } : options) as CombineOptions;
      const { adapter } = await combineAdapters(model, weighted, full);
      const written = await combineIntoWeights(model, weighted, options);
      const subject = `combineAdapters: ${method}${more.election ? `, election ${more.election}` : ''}`;
      for (const [path, { values }] of Object.entries(deltas)) {
        const actual = deltaIn(adapter, path) as Float64Array;
        expectParity(subject, { actual, expected: values, tolerance: 3e-7 });
        const after = (golden.base[path] as Numbers).values.map((value, at) => value + (values[at] as number));
        const merged = written.get(`${path}.weight`).data as Float32Array;
        expectParity(`combineIntoWeights: ${method}`, { actual: merged, expected: after, tolerance: 1e-7 });
      }
      expect(Object.keys(deltas).length).toBeGreaterThan(1);
      written.dispose();
      disposeAdapter(adapter);
    },
  );
});
