import { sizeOf } from '@peft/core';
import type { Node, Value } from '@peft/graph';

/** A reduction of the numbers along the last axes. */
export interface RowReduction {
  readonly op: 'Sum' | 'Max' | 'Min';
  /** Numbers of a row. */
  readonly width: number;
  /** Whether the sum is divided by their count. */
  readonly isMean: boolean;
}

/** The node as a reduction of rows; undefined where it is none. */
export function rowReduction(node: Node): RowReduction | undefined {
  switch (node.op) {
    case 'Mean':
    case 'Min':
    case 'Sum':
      return alongLast(node, node.attributes.axis);
    case 'Max':
      return alongLast(node, node.attributes.reductionIndices);
    default:
      return undefined;
  }
}

function alongLast(node: Node, axes: readonly number[]): RowReduction | undefined {
  const [x] = node.inputs as readonly [Value];
  if (x.dtype !== 'float32') return undefined;
  const long = axes.filter((axis) => x.shape[axis] !== 1);
  const first = Math.min(...long, x.shape.length);
  const hasOthers = x.shape.some((length, axis) => axis >= first && length !== 1 && !axes.includes(axis));
  if (hasOthers) return undefined;
  const width = sizeOf(x.shape.slice(first));
  return { op: node.op === 'Mean' ? 'Sum' : (node.op as 'Sum' | 'Max' | 'Min'), width, isMean: node.op === 'Mean' };
}
