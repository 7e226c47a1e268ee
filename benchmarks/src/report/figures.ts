import { mean, standardDeviation } from './summary.ts';

/** A number as text: fixed digits, or scientific where those would hide it. */
export function said(value: number, digits = 4): string {
  const isSmall = value !== 0 && Math.abs(value) < 10 ** -digits;
  return isSmall || Math.abs(value) >= 1e6 ? value.toExponential(1) : value.toFixed(digits);
}

/** Mean, and the spread over seeds where there is more than one: `97.1 ± 0.7`. */
export function meanSaid(values: readonly number[], digits = 4): string {
  const spread = values.length > 1 ? ` ± ${said(standardDeviation(values), digits)}` : '';
  return `${said(mean(values), digits)}${spread}`;
}

/** Smallest to largest: `0.0022 to 0.0027`. */
export function rangeSaid(values: readonly number[], digits = 4): string {
  const [low, high] = [said(Math.min(...values), digits), said(Math.max(...values), digits)];
  return low === high ? low : `${low} to ${high}`;
}

/** A fraction from 0 to 1 as percent. */
export function percent(values: readonly number[], digits = 2): string {
  return meanSaid(
    values.map((value) => 100 * value),
    digits,
  );
}

/** A Markdown table. */
export function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...body.map(line)].join('\n');
}
