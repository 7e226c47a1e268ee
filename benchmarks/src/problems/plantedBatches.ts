import { type DataSource, fold, type HostBatch, hostArray } from '@peft/core';
import { normals } from '@peft/ops';
import { type Matrix, multiply } from './matrix.ts';

/** One batch that never changes: inputs [n, in] and what the planted map makes of them. */
export function fixedBatch(input: Matrix, planted: Matrix): DataSource {
  const output = multiply(input, planted);
  const batch = {
    x: hostArray(Float32Array.from(input.values), [input.rows, input.columns]),
    y: hostArray(Float32Array.from(output.values), [output.rows, output.columns]),
  };
  return {
    batchesPerEpoch: 1,
    *batches() {
      yield batch;
    },
  };
}

export type StreamOptions = {
  readonly rows: number;
  /** Standard deviation of what is added to every output. */
  readonly noise: number;
};

/** Fresh normal inputs for every step, with the planted maps' outputs side by side plus noise. */
export function gaussianStream(planted: readonly Matrix[], { rows, noise }: StreamOptions): DataSource {
  const width = planted[0]?.rows ?? 0;
  const outputs = planted.reduce((sum, { columns }) => sum + columns, 0);
  const draw = (seed: number): HostBatch => {
    const x = normals(fold(seed, 'x'), rows * width);
    const y = normals(fold(seed, 'noise'), rows * outputs).map((value) => value * noise);
    let offset = 0;
    for (const matrix of planted) {
      const clean = multiply({ rows, columns: width, values: Float64Array.from(x) }, matrix);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < matrix.columns; column++) {
          const at = row * outputs + offset + column;
          y[at] = (y[at] as number) + (clean.values[row * matrix.columns + column] as number);
        }
      }
      offset += matrix.columns;
    }
    return { x: hostArray(x, [rows, width]), y: hostArray(y, [rows, outputs]) };
  };
  return {
    *batches(epoch, seed, skip) {
      for (let index = skip; ; index++) yield draw(fold(fold(fold(seed, 'stream'), epoch), index));
    },
  };
}
