import {
  type AnyModel,
  type AnyStrategy,
  adamw,
  batches,
  type Engine,
  fineTune,
  hostArray,
  regression,
  Weights,
} from '@peft/core';
import type { Tensor } from '@tensorflow/tfjs';

const rows = 32;
const columns = 24;
const singularValues = [8, 7, 6, 5, 4, 3, 2, 1];

/** Orthonormal: column k of a discrete cosine transform, without the constant one. */
const wave = (length: number, i: number, k: number) =>
  Math.sqrt(2 / length) * Math.cos((Math.PI * (i + 0.5) * (k + 1)) / length);

function matrix(value: (row: number, column: number) => number, [height, width]: readonly [number, number]) {
  const values = Array.from({ length: height * width }, (_, i) => value(Math.floor(i / width), i % width));
  return hostArray(values, [height, width]);
}

const target = matrix(
  (row, column) =>
    singularValues.reduce((sum, value, k) => sum + value * wave(rows, row, k) * wave(columns, column, k), 0),
  [rows, columns],
);
const identity = matrix((row, column) => (row === column ? 1 : 0), [rows, rows]);

/** What remains of the target, as a part of its squared norm, after the best approximation of this rank. */
export function floorOf(rank: number): number {
  const energy = (values: readonly number[]) => values.reduce((sum, value) => sum + value ** 2, 0);
  return energy(singularValues.slice(rank)) / energy(singularValues);
}

/** Throws unless each residual reaches the floor of its rank, within 2 % of it or 0.001, whichever is more. */
export function requireFloors(found: readonly number[], ranks: readonly number[]): void {
  if (found.length !== ranks.length) throw new Error(`${found.length} residuals for ${ranks.length} ranks`);
  for (const [index, rank] of ranks.entries()) {
    const floor = floorOf(rank);
    const distance = (found[index] as number) - floor;
    if (!(distance > -1e-4 && distance < Math.max(0.02 * floor, 0.001)))
      throw new Error(`rank ${rank} leaves ${found[index]}, its floor is ${floor}`);
  }
}

/** Fits a zero weight 32 x 24 to a target with singular values 8 to 1; the remaining part after each of `lengths`. */
export async function residuals(
  strategy: AnyStrategy,
  { steps, every, engine }: { readonly steps: number; readonly every: number; readonly engine?: Engine },
) {
  const model: AnyModel = {
    targets: [{ path: 'map', kind: 'dense', shape: [rows, columns] }],
    weights: new Weights([['map.weight', matrix(() => 0, [rows, columns])]]),
    apply: ({ input }, at) => at.linear('map', input as Tensor),
  };
  const data = batches({ input: identity, targets: target }, { batchSize: rows });
  const run = fineTune(model, {
    strategy,
    targets: ['map'],
    loss: regression(),
    data,
    steps,
    optimizer: adamw(),
    schedule: (step, totalSteps) => 0.02 * (1 - step / totalSteps),
    seed: 3,
    evaluation: { data, every },
    progress: false,
    onWarning: () => {},
    ...(engine && { engine }),
  });
  const found: number[] = [];
  for await (const event of run) {
    if (event.type === 'evaluation') {
      found.push((event.loss * rows * columns) / singularValues.reduce((sum, value) => sum + value ** 2, 0));
    }
  }
  (await run.result).dispose();
  model.weights.dispose();
  return found;
}
