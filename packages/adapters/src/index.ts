export type { AdapterChoice } from './adapterChoice.ts';
export { type AdapterSet, type AdapterSetOptions, adapterSet, type CallOptions } from './adapterSet.ts';
export { type AdapterDescription, describeAdapter, type WeightChange } from './describeAdapter.ts';
export { type AdapterSum, sumAdapters } from './sumAdapters.ts';
export { type SumPart, type SumState, sumOf } from './sumOf.ts';
