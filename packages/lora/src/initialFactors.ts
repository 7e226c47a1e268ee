import { fold, type HostArray, hostArray, layerKindOf, type Seed, sizeOf, type Target } from '@peft/core';
import { normals, uniforms } from '@peft/ops';
import type { LoraInit } from './loraOptions.ts';
import { orthogonalPair } from './orthogonalPair.ts';

export type InitialFactors = { readonly a: HostArray; readonly b: HostArray };

type Draw = { readonly rank: number; readonly init: LoraInit; readonly seed: Seed };

/**
 * The fresh pair of a target, drawn as Python PEFT draws it. Where `b` starts at zero, `a` is uniform within
 * 1 / sqrt(fan-in), or normal with deviation 1 / rank ("gaussian"); where `a` starts at zero, `b` is standard normal.
 */
export function initialFactors(target: Target, { rank, init, seed }: Draw): InitialFactors {
  const kind = layerKindOf(target);
  const shapes = kind.factorShapes(target, rank);
  const seeds = { a: fold(seed, 'a'), b: fold(seed, 'b') };
  const zero = (factor: 'a' | 'b') => hostArray(new Float32Array(sizeOf(shapes[factor])), shapes[factor]);
  const normal = (factor: 'a' | 'b', deviation: number) =>
    hostArray(
      normals(seeds[factor], sizeOf(shapes[factor])).map((value) => value * deviation),
      shapes[factor],
    );
  const uniform = (factor: 'a' | 'b', bound: number) =>
    hostArray(
      uniforms(seeds[factor], sizeOf(shapes[factor])).map((value) => bound * (2 * value - 1)),
      shapes[factor],
    );

  if (kind.zeroFactor === 'a') return { a: init === false ? normal('a', 1) : zero('a'), b: normal('b', 1) };
  if (init === 'orthogonal') return orthogonalPair(shapes, { rank, seed });
  const a = init === 'gaussian' ? normal('a', 1 / rank) : uniform('a', 1 / Math.sqrt(kind.fans(target).fanIn));
  return { a, b: init === false ? uniform('b', 1 / Math.sqrt(rank)) : zero('b') };
}
