import { GraphError } from '../graphError.ts';
import type { TensorType } from '../tensorType.ts';
import { requireDType } from './elementwise.ts';
import { lookupRows, scatterRows } from './lookupRows.ts';
import type { OpRow } from './opRow.ts';

type Rows = { readonly rows: number };

const rowsOf = (raw: Readonly<Record<string, unknown>>) => ({ rows: Number(raw.rows) });

function requireIds(ids: TensorType): number {
  if (ids.shape.length === 1) return requireDType(ids, ['int32']).shape[0] as number;
  throw new GraphError('graph/shape', `rows are looked up by one axis of ids, got [${ids.shape}]; fold them.`);
}

export const embeddingRows = {
  PeftGather: {
    inputs: ['table', 'ids'],
    attributes: rowsOf,
    shape: ([table, ids]) => {
      const { shape, dtype } = table as TensorType;
      return [{ shape: [requireIds(ids as TensorType), ...shape.slice(1)], dtype }];
    },
    reference: (call) => lookupRows.GatherV2.reference({ ...call, attributes: { axis: 0, batchDims: 0 } }),
    onnx: ({ write, inputs }) => [write.node('Gather', inputs, { axis: 0 })],
  } satisfies OpRow<Rows>,

  PeftGatherGrad: {
    inputs: ['dy', 'ids'],
    attributes: rowsOf,
    shape: ([dy, ids], { rows }) => {
      requireIds(ids as TensorType);
      return [{ shape: [rows, ...(dy as TensorType).shape.slice(1)], dtype: (dy as TensorType).dtype }];
    },
    reference: (call) =>
      lookupRows.UnsortedSegmentSum.reference({ ...call, attributes: { numSegments: call.attributes.rows } }),
    onnx: ({ write, inputs: [dy, ids], outputs: [output] }) => [
      scatterRows(write, { rows: dy as string, ids: ids as string, output: output as TensorType }),
    ],
  } satisfies OpRow<Rows>,
};
