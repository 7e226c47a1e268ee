import { sizeOf } from '@peft/core';
import type { Node, Value } from '@peft/graph';
import { denseStrides, type IndexMap, identityMap, mapOf, type Stride } from './indexMap.ts';

/** Where the result of a node that only moves numbers reads its first input; undefined for other nodes. */
export function readMap(node: Node): IndexMap | undefined {
  const [x] = node.inputs as readonly [Value];
  switch (node.op) {
    case 'ExpandDims':
    case 'Identity':
    case 'Reshape':
      return identityMap(sizeOf(x.shape));
    case 'Transpose': {
      const strides = denseStrides(x.shape);
      return mapOf(node.attributes.perm.map((axis) => strides[axis] as Stride));
    }
    case 'Slice': {
      const { begin, size } = node.attributes;
      const strides = denseStrides(x.shape);
      const offset = begin.reduce((place, start, axis) => place + start * (strides[axis] as Stride).step, 0);
      return mapOf(
        strides.map(({ step }, axis) => ({ length: size[axis] as number, step })),
        offset,
      );
    }
    case 'Tile': {
      const { reps } = node.attributes;
      return mapOf(
        denseStrides(x.shape).flatMap((stride, axis) => [{ length: reps[axis] as number, step: 0 }, stride]),
      );
    }
    default:
      return undefined;
  }
}
