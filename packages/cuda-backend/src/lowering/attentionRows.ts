import type { CudaRows } from './cudaRow.ts';

type Ops = 'PeftAttention' | 'PeftAttentionGrad' | 'PeftRotary';

export const attentionRows = {} as CudaRows<Ops>;
