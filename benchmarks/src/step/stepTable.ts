import type { StepRow } from './stepRow.ts';

export function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

/** A row for the terminal. */
export function stepTable(row: StepRow): string {
  const { roofline } = row;
  const line = (cells: readonly string[]) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(20) : cell.padStart(12))).join('');
  const times = ({
    medianMs,
    bestMs,
    spreadMs,
    peakBytes,
  }: Pick<StepRow, 'medianMs' | 'bestMs' | 'spreadMs' | 'peakBytes'>) => [
    `${medianMs.toFixed(1)} ms`,
    `${bestMs.toFixed(1)} ms`,
    `${spreadMs.toFixed(1)} ms`,
    gibibytes(peakBytes),
  ];
  const rivals = Object.entries(row.against).flatMap(([name, rival]) => [
    line([name, ...times(rival), `${rival.ratio.toFixed(2)}x`, `${rival.memoryRatio.toFixed(2)}x`]),
    ...(rival.note ? [`  ${rival.note}`] : []),
  ]);
  const [gflop, skipped] = [roofline.flops, roofline.skippedFlops].map((flops) => (flops / 1e9).toFixed(1));
  return [
    `${row.model}, ${row.method} r=${row.rank} on ${String(row.targets)}, ${row.batch} x ${row.seq} tokens, dropout ${row.dropout}, ${row.threads} threads, weights as ${row.weights}`,
    line(['', 'median', 'best', 'spread', 'peak', 'we are', 'memory']),
    line([row.engine, ...times(row), `${row.tokensPerSecond.toFixed(0)} tok/s`]),
    ...rivals,
    ...Object.entries(row.failed).map(([name, reason]) => `${name}: not measured: ${reason}`),
    `roofline: ${gflop} GFLOP of matrix products over ${roofline.gflopsPerSecond.toFixed(0)} GFLOP/s (each shape at its best, alone) = ${roofline.ms.toFixed(1)} ms, ${percent(row.rooflineFraction)} of the median step`,
    `  at the rate of the fastest shape, ${roofline.fastestGflopsPerSecond.toFixed(0)} GFLOP/s: ${percent(roofline.fastestRateFraction)}; ${skipped} GFLOP skipped exactly`,
    ...roofline.products.slice(0, 8).map(({ count, batch, m, k, n, transposeA, transposeB, bestMs }) => {
      const stack = batch === 1 ? '' : `${batch} of `;
      const sides = `[${m}, ${k}]${transposeA ? "'" : ''} . [${k}, ${n}]${transposeB ? "'" : ''}`;
      const rate = ((2 * batch * m * k * n) / bestMs / 1e6).toFixed(0);
      return `  ${String(count).padStart(4)} x ${stack}${sides}: ${bestMs.toFixed(2)} ms, ${rate} GFLOP/s`;
    }),
    ...(row.disturbedRounds > 0 ? [`disturbed rounds: ${row.disturbedRounds}`] : []),
    ...(row.acceptedBusy ? ['measured with --accept-busy: the machine may not have been idle'] : []),
  ].join('\n');
}

export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
