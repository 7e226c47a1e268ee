import { type Adapter, entry, type Target } from '@peft/core';
import type { Tensor } from '@tensorflow/tfjs';

/** One target's pair: a [in, rank], b [rank, out]; under DoRA also magnitude [out]. */
export type LoraFactors =
  | { readonly a: Tensor; readonly b: Tensor }
  | { readonly a: Tensor; readonly b: Tensor; readonly magnitude: Tensor };

/** Pairs by target path. */
export type LoraParams = { readonly [path: string]: LoraFactors };

/** LoRA keeps nothing besides its parameters. */
export type LoraState = { readonly [key: string]: never };

/** The pair of a target. */
export function factorsOf({ params }: Adapter<LoraParams, LoraState>, target: Target): LoraFactors {
  return entry(params, target.path, 'LoRA factors of target');
}
