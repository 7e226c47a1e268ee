import type { TokenRows } from '@peft/core';
import { normals } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';

/** Trained rows of a table of width 5, drawn by the seed. */
export function drawnRows(ids: readonly number[], seed: number, heads: readonly string[] = []): TokenRows {
  return { ids, heads, rows: tf.tensor2d(normals(seed, ids.length * 5), [ids.length, 5]) };
}
