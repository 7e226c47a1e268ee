import type { CudaRows } from './cudaRow.ts';

type Ops = 'Cumsum' | 'TopK';

export const sortRows = {} as CudaRows<Ops>;
