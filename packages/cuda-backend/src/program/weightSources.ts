import type { CapturedFunction } from '@peft/compiler';
import type { DType, HostArray, Weights } from '@peft/core';
import type { TypedArray } from '@peft/graph';
import type { Plan } from '../plan/plan.ts';
import type { WeightRequest } from './deviceWeights.ts';

/** Where the frozen arrays of a plan come from, as they are now. */
export type WeightSources = (weights: Weights) => readonly WeightRequest[];

/** What the weights of a plan, in its order, are on the host: a path of the model's, or an array of the capture's. */
export function weightSources(
  { graph, feeds }: Pick<CapturedFunction, 'graph' | 'feeds'>,
  plan: Pick<Plan, 'weights'>,
): WeightSources {
  const sources = new Map(
    graph.parameters.map(({ name, value: { shape } }, index): [string, string | HostArray] => {
      const feed = feeds[graph.inputs.length + index];
      if (feed?.kind !== 'constant') return [name, name];
      const array: HostArray = { dtype: dtypeOf(feed.data), shape, data: feed.data };
      return [name, array];
    }),
  );
  return (weights) =>
    plan.weights.map(({ path, operand: { storage } }) => {
      const source = sources.get(path) as string | HostArray;
      if (typeof source !== 'string') return { array: source, version: 0, storage };
      return { array: weights.get(source), version: weights.versionOf(source), storage };
    });
}

function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Int32Array ? 'int32' : 'bool';
}
