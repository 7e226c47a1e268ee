import type { Adapter, Effect, Step } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import type { ByTarget, FinalState, Triplets } from './adaloraState.ts';
import { rankPattern } from './rankPattern.ts';

type Select = Extract<Effect, { kind: 'select' }>;

/** Gathers the live triplets of every target, with their optimizer slots. A target without any keeps no leaves. */
export async function compact({
  params,
  state,
}: Adapter<ByTarget<Triplets>, FinalState>): Promise<Step<ByTarget<Triplets>, FinalState>> {
  const pattern = Object.entries(await rankPattern(state));
  const live = pattern.map(([path, isLive]) => [path, isLive.flatMap((is, index) => (is ? [index] : []))] as const);
  const leaves = live.flatMap(([path, indices]) => selectLeaves(path, indices, state));
  const gathered = tf.tidy(() =>
    Object.fromEntries(
      live
        .filter(([, indices]) => indices.length > 0)
        .map(([path, indices]) => [path, gatherTriplets(params[path] as Triplets, indices)]),
    ),
  );
  return { params: gathered, state, effects: leaves.length > 0 ? [{ kind: 'select', leaves }] : [] };
}

function selectLeaves(path: string, indices: readonly number[], { mask }: FinalState): Select['leaves'] {
  if (indices.length === 0 || indices.length === mask[path]?.size) return [];
  return [
    { path: `${path}/a`, axis: 1, indices },
    { path: `${path}/lambda`, axis: 0, indices },
    { path: `${path}/b`, axis: 0, indices },
  ];
}

function gatherTriplets({ a, lambda, b }: Triplets, indices: readonly number[]): Triplets {
  if (indices.length === lambda.size) return { a, lambda, b };
  const rows = tf.tensor1d([...indices], 'int32');
  return { a: tf.gather(a, rows, 1), lambda: tf.gather(lambda, rows), b: tf.gather(b, rows) };
}
