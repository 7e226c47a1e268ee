import { fold, normals, type Seed } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import { hostArray } from '../hostArray.ts';
import type { Model } from '../model.ts';
import type { DataSource } from '../training/dataSource.ts';
import type { Loss } from '../training/loss.ts';
import { Weights } from '../weights.ts';

const fanIn = 32;
const fanOut = 24;
const batchSize = 32;

export type PlantedMaps = {
  readonly model: Model;
  /** Fresh Gaussian inputs and noisy outputs for every step. */
  readonly data: DataSource;
  /** Sum over all maps of the squared error, a mean over the batch. */
  readonly loss: Loss;
  /** norm(planted - found)^2 / norm(planted)^2 over all maps, of weights by path. */
  residual(weightOf: (path: string) => Float32Array): number;
};

/**
 * Linear maps 32 to 24 whose frozen weights are 0 and whose planted changes have these ranks, with singular values
 * evenly spaced from 2 to 1: what an allocator of ranks ought to find.
 */
export function plantedMaps(
  ranks: readonly number[],
  options: { readonly seed: Seed; readonly noise: number },
): PlantedMaps {
  const paths = ranks.map((_, index) => `map${index}`);
  const planted = ranks.map((rank, index) => plantedWeight(rank, fold(options.seed, index)));
  const targets = paths.map((path) => ({ path, kind: 'dense', shape: [fanIn, fanOut] }));
  const model: Model = {
    targets,
    weights: new Weights(
      paths.map((path) => [`${path}.weight`, hostArray(new Float32Array(fanIn * fanOut), [fanIn, fanOut])]),
    ),
    apply: (batch, at) =>
      tf.concat(
        paths.map((path) => at.linear(path, batch[path] as tf.Tensor)),
        1,
      ),
  };
  const width = fanOut * ranks.length;
  const batchAt = (step: number) => {
    const seed = fold(fold(options.seed, 'batch'), step);
    const inputs = paths.map((path) => normals(fold(seed, path), batchSize * fanIn));
    const noise = normals(fold(seed, 'noise'), batchSize * width);
    const outputs = Float32Array.from(noise, (value, i) => {
      const row = Math.floor(i / width);
      const map = Math.floor((i % width) / fanOut);
      const column = i % fanOut;
      let sum = options.noise * value;
      for (let k = 0; k < fanIn; k++)
        sum += (inputs[map]?.[row * fanIn + k] as number) * (planted[map]?.[k * fanOut + column] as number);
      return sum;
    });
    return {
      ...Object.fromEntries(paths.map((path, i) => [path, hostArray(inputs[i] as Float32Array, [batchSize, fanIn])])),
      targets: hostArray(outputs, [batchSize, width]),
    };
  };
  return {
    model,
    data: {
      *batches(epoch, _seed, skip) {
        for (let step = skip; epoch === 0; step++) yield batchAt(step);
      },
    },
    loss: {
      name: 'squared',
      count: () => batchSize * fanOut,
      sum: (output, batch) => tf.sum(tf.squaredDifference(output, batch.targets as tf.Tensor)) as tf.Scalar,
    },
    residual(weightOf) {
      let [missed, size] = [0, 0];
      for (const [index, path] of paths.entries()) {
        const found = weightOf(path);
        for (const [i, value] of (planted[index] as Float32Array).entries()) {
          missed += (value - (found[i] as number)) ** 2;
          size += value ** 2;
        }
      }
      return missed / size;
    },
  };
}

function plantedWeight(rank: number, seed: Seed): Float32Array {
  const left = orthonormal(fanIn, rank, fold(seed, 'left'));
  const right = orthonormal(fanOut, rank, fold(seed, 'right'));
  const weight = new Float32Array(fanIn * fanOut);
  for (let k = 0; k < rank; k++) {
    const value = rank === 1 ? 2 : 2 - k / (rank - 1);
    for (let i = 0; i < fanIn; i++)
      for (let j = 0; j < fanOut; j++)
        weight[i * fanOut + j] =
          (weight[i * fanOut + j] as number) + value * (left[k]?.[i] as number) * (right[k]?.[j] as number);
  }
  return weight;
}

/** Orthonormal vectors by Gram and Schmidt. */
function orthonormal(length: number, count: number, seed: Seed): readonly (readonly number[])[] {
  const vectors: number[][] = [];
  for (let k = 0; k < count; k++) {
    let vector = Array.from(normals(fold(seed, k), length));
    for (const other of vectors) {
      const along = vector.reduce((sum, value, i) => sum + value * (other[i] as number), 0);
      vector = vector.map((value, i) => value - along * (other[i] as number));
    }
    const norm = Math.hypot(...vector);
    vectors.push(vector.map((value) => value / norm));
  }
  return vectors;
}
