import { type HostArray, hostArray, layerKindOf, type Target } from '@peft/core';

type HostTriplets = { readonly a: HostArray; readonly lambda: HostArray; readonly b: HostArray };

/** The live triplets of a target on the host; those of a compacted target are live already, and no triplets mean rank 0. */
export function keepTriplets(
  target: Target,
  triplets: HostTriplets | undefined,
  live: readonly boolean[],
): HostTriplets {
  const kept = live.flatMap((isLive, index) => (isLive ? [index] : []));
  if (triplets && kept.length === triplets.lambda.data.length) return triplets;
  const shapes = layerKindOf(target).factorShapes(target, kept.length);
  const [fanIn = 0] = shapes.a;
  const [, fanOut = 0] = shapes.b;
  const pick = (array: HostArray | undefined, offsets: readonly number[], shape: readonly number[]) =>
    hostArray(
      Float32Array.from(offsets, (offset) => Number(array?.data[offset])),
      shape,
    );
  const columns = Array.from({ length: fanIn }, (_, row) => kept.map((index) => row * live.length + index)).flat();
  const rows = kept.flatMap((index) => Array.from({ length: fanOut }, (_, column) => index * fanOut + column));
  return {
    a: pick(triplets?.a, columns, shapes.a),
    lambda: pick(triplets?.lambda, kept, [kept.length]),
    b: pick(triplets?.b, rows, shapes.b),
  };
}
