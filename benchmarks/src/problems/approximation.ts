import { type AnyStrategy, combinedFactors, fold } from '@peft/core';
import { linear } from '@peft/schedulers';
import { linearMaps } from './linearMaps.ts';
import { type Matrix, matrixOf, multiply, orthonormal, squaredDistance, squaredNorm, transpose } from './matrix.ts';
import { fixedBatch } from './plantedBatches.ts';
import { evenlySpaced, plantedMatrix } from './plantedMatrix.ts';
import { squaredError } from './squaredError.ts';
import { trained } from './trained.ts';

const rows = 32;
const columns = 24;

/** B1's target: 32 x 24 with singular values 8, 7, ... 1. */
export function approximationTarget(seed: number): Matrix {
  return plantedMatrix(fold(seed, 'target'), { rows, columns, singularValues: evenlySpaced(8, 1, 8) });
}

/** The identity, or a symmetric square root of a covariance whose eigenvalues run from 1 / root to root of `condition`. */
export function inputRoot(seed: number, condition = 1): Matrix {
  if (condition === 1) return matrixOf(rows, rows, (row, column) => Number(row === column));
  const basis = orthonormal(fold(seed, 'covariance'), rows, rows);
  const roots = evenlySpaced(-0.25, 0.25, rows).map((power) => condition ** power);
  const scaled = matrixOf(
    rows,
    rows,
    (row, column) => (basis.values[row * rows + column] as number) * (roots[column] as number),
  );
  return multiply(scaled, transpose(basis));
}

export type Approximation = {
  readonly strategy: AnyStrategy;
  readonly seed: number;
  readonly steps: number;
  readonly learningRate: number;
  /** Of the input covariance; 1 for the identity. */
  readonly condition?: number;
  /** Rank of each link, to read the residual after every one. */
  readonly ranks: readonly number[];
};

/** Fits a zero map to the target; normalised residual after each link, weighted by the input covariance. */
export async function approximate(problem: Approximation): Promise<readonly number[]> {
  const { strategy, seed, steps, learningRate, condition, ranks } = problem;
  const target = approximationTarget(seed);
  const root = inputRoot(seed, condition);
  const wanted = multiply(root, target).values;
  const model = linearMaps([target]);
  const training = {
    strategy,
    targets: 'all-linear',
    loss: squaredError,
    data: fixedBatch(root, target),
    steps,
    schedule: linear(learningRate),
    seed,
  };
  const residuals = await trained(model, training, async (adapter) => {
    const factors = combinedFactors(adapter, model.targets[0] as (typeof model.targets)[number]);
    if (!factors) return [];
    const [a, b] = [await factors.a.data(), await factors.b.data()];
    const all = factors.a.shape[1] as number;
    factors.a.dispose();
    factors.b.dispose();
    let kept = 0;
    return ranks.map((rank) => {
      kept += rank;
      const until = kept;
      const left = matrixOf(rows, until, (row, column) => a[row * all + column] as number);
      const right = matrixOf(until, columns, (row, column) => b[row * columns + column] as number);
      const found = multiply(root, multiply(left, right)).values;
      return squaredDistance(found, wanted) / squaredNorm(wanted);
    });
  });
  model.weights.dispose();
  return residuals;
}
