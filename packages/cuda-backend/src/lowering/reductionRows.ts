import type { CudaRows } from './cudaRow.ts';

type Ops = 'All' | 'Any' | 'ArgMax' | 'ArgMin' | 'Max' | 'Mean' | 'Min' | 'Prod' | 'Sum';

export const reductionRows = {} as CudaRows<Ops>;
