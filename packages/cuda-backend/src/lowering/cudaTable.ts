import type { OpName } from '@peft/graph';
import { attentionRows } from './attentionRows.ts';
import type { CudaRow, CudaRows } from './cudaRow.ts';
import { elementRows } from './elementRows.ts';
import { flashAttentionRows } from './flashAttentionRows.ts';
import { layoutRows } from './layoutRows.ts';
import { lookupRows } from './lookupRows.ts';
import { lossRows } from './lossRows.ts';
import { normRows } from './normRows.ts';
import { productRows } from './productRows.ts';
import { reductionRows } from './reductionRows.ts';
import { sortRows } from './sortRows.ts';
import { trainingRows } from './trainingRows.ts';

/** How every operation that a graph may hold runs on the device; a missing row does not compile. */
export const cudaTable: CudaRows<OpName> = {
  ...attentionRows,
  ...elementRows,
  ...flashAttentionRows,
  ...layoutRows,
  ...lookupRows,
  ...lossRows,
  ...normRows,
  ...productRows,
  ...reductionRows,
  ...sortRows,
  ...trainingRows,
};

/** The row of an operation, for code that treats all alike: attributes of a node always fit its own row. */
export function cudaRowOf(op: OpName): CudaRow<OpName> {
  return cudaTable[op] as unknown as CudaRow<OpName>;
}
