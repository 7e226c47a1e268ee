import type { CudaRows } from './cudaRow.ts';

type Ops = 'PeftAdamW' | 'PeftImportance' | 'PeftTripletDistance' | 'PeftTripletDistanceGradient' | 'PeftTripletScore';

export const trainingRows = {} as CudaRows<Ops>;
