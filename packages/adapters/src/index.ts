export type { AdapterChoice } from './adapterChoice.ts';
export { type AdapterSet, type AdapterSetOptions, adapterSet, type CallOptions } from './adapterSet.ts';
export { type CombinedAdapter, type CombinedTarget, combineAdapters } from './combine/combineAdapters.ts';
export { combineIntoWeights } from './combine/combineIntoWeights.ts';
export type {
  CombineIntoWeightsOptions,
  CombineMethod,
  CombineOptions,
  CombineProgress,
  Election,
  WeightedAdapter,
} from './combine/combineOptions.ts';
export { type AdapterDescription, describeAdapter, type WeightChange } from './describeAdapter.ts';
export { type AdapterSum, sumAdapters } from './sumAdapters.ts';
export { type SumPart, type SumState, sumOf } from './sumOf.ts';
