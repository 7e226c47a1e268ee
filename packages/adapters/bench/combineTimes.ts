// CPU seconds that the parts of combineAdapters take for one weight: node ../../scripts/runSource.mjs bench/combineTimes.ts
import { normals } from '@peft/ops';
import { dropAtRandom } from '../src/combine/dropAtRandom.ts';
import { keepLargest } from '../src/combine/keepLargest.ts';
import { type Matrix, matrix, norm, product } from '../src/combine/matrix.ts';
import { truncatedMatrix } from '../src/combine/truncatedMatrix.ts';
import { truncatedPair } from '../src/combine/truncatedPair.ts';

const drawn = (rows: number, columns: number, seed: number) => matrix(rows, columns, normals(seed, rows * columns));

function timed<T>(what: string, compute: () => T, say: (result: T) => string = () => ''): T {
  const before = process.cpuUsage();
  const result = compute();
  const { user, system } = process.cpuUsage(before);
  console.log(`${what.padEnd(58)} ${((user + system) / 1e6).toFixed(2)} s ${say(result)}`);
  return result;
}

for (const [rows, columns] of [
  [768, 768],
  [3072, 768],
  [4096, 1024],
] as const) {
  const size = `${rows} x ${columns}`;
  const pairs = [1, 3].map((seed) => ({ a: drawn(rows, 16, seed), b: drawn(16, columns, seed + 1) }));
  const both = { a: drawn(rows, 32, 1), b: drawn(32, columns, 2) };
  timed(`${size}: linear, svd of two adapters of rank 16`, () => truncatedPair(both, { rank: 16, tolerance: 0 }));
  const deltas = timed(`${size}: the changes of two adapters of rank 16`, () => pairs.map(({ a, b }) => product(a, b)));
  const largest = timed(`${size}: the largest half of both changes`, () =>
    deltas.map(({ values }) => keepLargest(values, 0.5)),
  );
  timed(`${size}: a random half of one change`, () => dropAtRandom(deltas[0]?.values ?? new Float64Array(), 0.5, 1));
  const sum: Matrix = matrix(
    rows,
    columns,
    (largest[0] as Float64Array).map((value, at) => value + (largest[1]?.[at] ?? 0)),
  );
  const said = ({ residual }: { residual: number }) => `error ${(residual / norm(sum.values)).toFixed(4)}`;
  timed(`${size}: a thinned sum at rank 16`, () => truncatedMatrix(sum, { rank: 16, tolerance: 0 }), said);
  const flat = drawn(rows, columns, 9);
  timed(`${size}: a flat spectrum at rank 16`, () => truncatedMatrix(flat, { rank: 16, tolerance: 0 }));
  timed(`${size}: a thinned sum at full rank`, () => truncatedMatrix(sum, { tolerance: 0 }), said);
}
