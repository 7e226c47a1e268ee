export { type AdaLoraStrategy, adalora, adaloraFileFormat } from './adalora.ts';
export type { AdaLoraOptions, AdaLoraSettings } from './adaloraOptions.ts';
export {
  type AdaLoraState,
  type ByTarget,
  type FinalState,
  type ImportanceAverages,
  isSearching,
  type SearchState,
  type Triplets,
} from './adaloraState.ts';
export { globalTop } from './globalTop.ts';
export { pythonThreshold } from './pythonThreshold.ts';
export type { AllocationCall, RankAllocator } from './rankAllocator.ts';
export { rankPattern } from './rankPattern.ts';
