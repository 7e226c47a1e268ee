import { remarks } from './remarks.ts';
import type { MethodResult } from './results.ts';

/** The comparison as plain text for a terminal. */
export function tableOf(results: readonly MethodResult[], baseAccuracy: number): string {
  const rows = [
    ['method', 'accuracy', 'trained at once', 'adapter file', 'time'],
    ['(no adaptation)', percent(baseAccuracy), '0', '', ''],
    ...results.map((result) => [
      result.name,
      result.runs.length > 1
        ? `${percent(result.accuracyMean)} ± ${(100 * result.accuracySd).toFixed(1)}`
        : percent(result.accuracyMean),
      result.trainableParameters.toLocaleString('en'),
      `${(result.adapterBytes / 1024).toFixed(1)} kB`,
      `${result.seconds.toFixed(1)} s`,
    ]),
  ];
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number),
      )
      .join('  '),
  );
  return `\n${[...lines, ...remarks(results)].join('\n')}\n`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
