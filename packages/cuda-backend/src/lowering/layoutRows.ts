import type { CudaRows } from './cudaRow.ts';

type Ops =
  | 'Identity'
  | 'ExpandDims'
  | 'Reshape'
  | 'Concat'
  | 'Pack'
  | 'PadV2'
  | 'Reverse'
  | 'Slice'
  | 'SplitV'
  | 'Tile'
  | 'Transpose'
  | 'Unpack';

export const layoutRows = {} as CudaRows<Ops>;
