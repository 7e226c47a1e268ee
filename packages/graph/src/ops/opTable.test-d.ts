import type { OpAttributes } from './opAttributes.ts';
import type { OpRow } from './opRow.ts';
import { opTable } from './opTable.ts';

type Table = { readonly [Op in keyof OpAttributes]: OpRow<OpAttributes[Op]> };

const { Softmax: _softmax, ...withoutSoftmax } = opTable;

// @ts-expect-error a missing row does not compile
export const missing: Table = withoutSoftmax;

// @ts-expect-error nor does a row for other attributes
export const mistaken: Table = { ...opTable, Softmax: opTable.Slice };

export const complete: Table = opTable;
