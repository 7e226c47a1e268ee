import { type HostArray, hostArray, layerKindOf, sizeOf, type Target } from '@peft/core';

/** A pair of rank 1 that changes nothing and can learn: one factor 0, the other of length 1. */
export function freshPair(target: Target): { readonly a: HostArray; readonly b: HostArray } {
  const { zeroFactor, factorShapes } = layerKindOf(target);
  const shapes = factorShapes(target, 1);
  const factor = (side: 'a' | 'b') => {
    const size = sizeOf(shapes[side]);
    return hostArray(new Float32Array(size).fill(side === zeroFactor ? 0 : 1 / Math.sqrt(size)), shapes[side]);
  };
  return { a: factor('a'), b: factor('b') };
}
