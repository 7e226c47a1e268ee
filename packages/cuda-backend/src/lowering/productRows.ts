import type { Operand } from '../plan/operand.ts';
import type { CudaRow, CudaRows } from './cudaRow.ts';

type Ops = 'BatchMatMul' | 'PeftMatMul';

const row: CudaRow<Ops> = {
  lower: ({ inputs, attributes, outputs, emit }) => {
    const [a, b] = inputs as readonly [Operand, Operand];
    emit.product({ a, b, c: outputs[0] as Operand, ...attributes });
  },
};

export const productRows: CudaRows<Ops> = { BatchMatMul: row, PeftMatMul: row };
