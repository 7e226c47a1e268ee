import type { CudaRows } from './cudaRow.ts';

type Ops = 'BatchMatMul' | 'PeftMatMul';

export const productRows = {} as CudaRows<Ops>;
