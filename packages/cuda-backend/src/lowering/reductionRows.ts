import { sizeOf } from '@peft/core';
import type { Operand } from '../plan/operand.ts';
import type { CudaRow, CudaRows, LoweringCall } from './cudaRow.ts';
import { reduceAxes } from './reduction/reduceAxes.ts';
import { reducePlace } from './reduction/reducePlace.ts';
import type { Reduction } from './reduction/reduction.ts';

type Ops = 'All' | 'Any' | 'ArgMax' | 'ArgMin' | 'Max' | 'Mean' | 'Min' | 'Prod' | 'Sum';

const along = (reduction: Reduction): CudaRow<'All' | 'Any' | 'Min' | 'Prod' | 'Sum'> => ({
  lower: (call) => reduce(call, reduction, { axes: call.attributes.axis }),
});

const place = (isSmallest: boolean): CudaRow<'ArgMax' | 'ArgMin'> => ({
  lower: ({ inputs, outputs, attributes: { axis }, emit }) => {
    reducePlace(emit, { from: inputs[0] as Operand, to: outputs[0] as Operand, axis, isSmallest });
  },
});

export const reductionRows: CudaRows<Ops> = {
  All: along('smallest'),
  Any: along('largest'),
  ArgMax: place(false),
  ArgMin: place(true),
  Max: { lower: (call) => reduce(call, 'largest', { axes: call.attributes.reductionIndices }) },
  Mean: {
    lower: (call) => {
      const [x, y] = [call.inputs[0] as Operand, call.outputs[0] as Operand];
      reduce(call, 'sum', { axes: call.attributes.axis, divisor: sizeOf(x.shape) / sizeOf(y.shape) });
    },
  },
  Min: along('smallest'),
  Prod: along('product'),
  Sum: along('sum'),
};

function reduce(
  { inputs, outputs, emit }: Pick<LoweringCall<unknown>, 'inputs' | 'outputs' | 'emit'>,
  reduction: Reduction,
  { axes, divisor = 1 }: { readonly axes: readonly number[]; readonly divisor?: number },
): void {
  reduceAxes(emit, { from: inputs[0] as Operand, to: outputs[0] as Operand, axes, reduction, divisor });
}
