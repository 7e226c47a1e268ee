import type { Operand } from '../plan/operand.ts';
import type { CudaRows } from './cudaRow.ts';
import { runningSum } from './sort/runningSum.ts';
import { topNumbers } from './sort/topNumbers.ts';

type Ops = 'Cumsum' | 'TopK';

export const sortRows: CudaRows<Ops> = {
  Cumsum: {
    lower: ({ inputs, outputs, attributes, emit }) => {
      runningSum(emit, { from: inputs[0] as Operand, to: outputs[0] as Operand, ...attributes });
    },
  },

  TopK: {
    lower: ({ inputs, outputs, emit }) => {
      topNumbers(emit, {
        from: inputs[0] as Operand,
        values: outputs[0] as Operand,
        places: outputs[1] as Operand,
      });
    },
  },
};
