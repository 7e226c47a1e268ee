import type { CudaRows } from './cudaRow.ts';

type Ops = 'GatherNd' | 'GatherV2' | 'OneHot' | 'ScatterNd' | 'UnsortedSegmentSum' | 'PeftGather' | 'PeftGatherGrad';

export const lookupRows = {} as CudaRows<Ops>;
