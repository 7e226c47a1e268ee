import type { CudaRows } from './cudaRow.ts';

type Ops = 'Softmax' | 'PeftLayerNorm' | 'PeftLayerNormGrad' | 'PeftRmsNorm' | 'PeftRmsNormGrad';

export const normRows = {} as CudaRows<Ops>;
