import type { Operand } from '../plan/operand.ts';
import type { CudaRow, CudaRows, LoweringCall } from './cudaRow.ts';
import { gatherRows } from './lookup/gatherRows.ts';
import { gatherTuples } from './lookup/gatherTuples.ts';
import { oneHot } from './lookup/oneHot.ts';
import { scatterRows } from './lookup/scatterRows.ts';

type Ops = 'GatherNd' | 'GatherV2' | 'OneHot' | 'ScatterNd' | 'UnsortedSegmentSum' | 'PeftGather' | 'PeftGatherGrad';

type Call = Pick<LoweringCall<unknown>, 'inputs' | 'outputs' | 'emit'>;

const operandsOf = ({ inputs, outputs }: Call) => ({
  first: inputs[0] as Operand,
  second: inputs[1] as Operand,
  to: outputs[0] as Operand,
});

const segmentSum: CudaRow<'UnsortedSegmentSum' | 'PeftGatherGrad'> = {
  lower: (call) => {
    const { first, second, to } = operandsOf(call);
    scatterRows(call.emit, { ids: second, rows: first, to, depth: 1 });
  },
};

export const lookupRows: CudaRows<Ops> = {
  GatherNd: {
    lower: (call) => {
      const { first, second, to } = operandsOf(call);
      gatherTuples(call.emit, { from: first, ids: second, to });
    },
  },

  GatherV2: {
    lower: (call) => {
      const { first, second, to } = operandsOf(call);
      gatherRows(call.emit, { from: first, ids: second, to, ...call.attributes });
    },
  },

  OneHot: {
    lower: (call) => {
      const { first, to } = operandsOf(call);
      const { onValue, offValue } = call.attributes;
      oneHot(call.emit, { ids: first, to, onValue, offValue });
    },
  },

  PeftGather: {
    lower: (call) => {
      const { first, second, to } = operandsOf(call);
      gatherRows(call.emit, { from: first, ids: second, to, axis: 0, batchDims: 0 });
    },
  },

  PeftGatherGrad: segmentSum,

  ScatterNd: {
    lower: (call) => {
      const { first, second, to } = operandsOf(call);
      scatterRows(call.emit, { ids: first, rows: second, to, depth: first.shape.at(-1) as number });
    },
  },

  UnsortedSegmentSum: segmentSum,
};
