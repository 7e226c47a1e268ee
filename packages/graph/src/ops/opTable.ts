import type { Node } from '../graph.ts';
import { activationRows } from './activationRows.ts';
import { adamwRow } from './adamwRow.ts';
import { attentionRows } from './attentionRows.ts';
import { binaryRows } from './binaryRows.ts';
import { dropoutRow } from './dropoutRow.ts';
import { embeddingRows } from './embeddingRows.ts';
import { flashAttentionRows } from './flashAttentionRows.ts';
import { joiningRows } from './joiningRows.ts';
import { layoutRows } from './layoutRows.ts';
import { linearLossRows } from './linearLossRows.ts';
import { lookupRows } from './lookupRows.ts';
import { lossRows } from './lossRows.ts';
import { matrixRows } from './matrixRows.ts';
import { normRows } from './normRows.ts';
import type { OpAttributes, OpName } from './opAttributes.ts';
import type { OpRow } from './opRow.ts';
import { reductionRows } from './reductionRows.ts';
import { rotaryRow } from './rotaryRow.ts';
import { tripletRows } from './tripletRows.ts';
import { unaryRows } from './unaryRows.ts';

/** Every operation a graph may hold, one row each; a missing row does not compile. */
export const opTable: { readonly [Op in OpName]: OpRow<OpAttributes[Op]> } = {
  ...unaryRows,
  ...binaryRows,
  ...reductionRows,
  ...layoutRows,
  ...joiningRows,
  ...lookupRows,
  ...matrixRows,
  ...activationRows,
  ...attentionRows,
  ...embeddingRows,
  ...flashAttentionRows,
  ...lossRows,
  ...linearLossRows,
  ...normRows,
  ...tripletRows,
  PeftAdamW: adamwRow,
  PeftDropout: dropoutRow,
  PeftRotary: rotaryRow,
};

export const opNames = Object.keys(opTable) as readonly OpName[];

export function isOpName(name: string): name is OpName {
  return Object.hasOwn(opTable, name);
}

/** The row of an operation, for code that treats all alike: attributes of a node always fit its own row. */
export function rowOf(op: OpName): OpRow<Node['attributes']> {
  return opTable[op] as unknown as OpRow<Node['attributes']>;
}
