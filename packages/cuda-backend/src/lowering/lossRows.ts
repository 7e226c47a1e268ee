import type { CudaRows } from './cudaRow.ts';

type Ops =
  | 'PeftSoftmaxCrossEntropy'
  | 'PeftSoftmaxCrossEntropyGrad'
  | 'PeftLinearCrossEntropy'
  | 'PeftLinearCrossEntropyWithGradient';

export const lossRows = {} as CudaRows<Ops>;
