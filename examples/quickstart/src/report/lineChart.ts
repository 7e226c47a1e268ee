import { markup } from './markup.ts';

export type Series = {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly { readonly step: number; readonly value: number }[];
};

export type LineChartOptions = {
  readonly title: string;
  readonly format: (value: number) => string;
  /** Smallest and largest value shown; the data's own where absent. */
  readonly from?: number;
  readonly to?: number;
};

const size = { width: 560, height: 300, left: 52, right: 12, top: 28, bottom: 34 };

/** Curves over training steps as an SVG picture. */
export function lineChart(series: readonly Series[], options: LineChartOptions): string {
  const points = series.flatMap((one) => one.points);
  const lastStep = Math.max(1, ...points.map(({ step }) => step));
  const from = options.from ?? Math.min(...points.map(({ value }) => value));
  const to = options.to ?? Math.max(...points.map(({ value }) => value));
  const x = (step: number) => size.left + ((size.width - size.left - size.right) * step) / lastStep;
  const y = (value: number) => {
    const share = (Math.min(Math.max(value, from), to) - from) / (to - from || 1);
    return size.height - size.bottom - (size.height - size.top - size.bottom) * share;
  };
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => from + share * (to - from));
  const grid = ticks.map(
    (value) =>
      `<line class="grid" x1="${size.left}" x2="${size.width - size.right}" y1="${y(value)}" y2="${y(value)}"/>` +
      `<text class="tick" x="${size.left - 8}" y="${y(value) + 4}" text-anchor="end">${options.format(value)}</text>`,
  );
  const steps = [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * lastStep));
  const axis = steps.map(
    (step) => `<text class="tick" x="${x(step)}" y="${size.height - 12}" text-anchor="middle">${step}</text>`,
  );
  const lines = series.map(({ name, colour, points: own }) => {
    const path = own.map(({ step, value }) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.8" points="${path}"><title>${markup(name)}</title></polyline>`;
  });
  return `<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${markup(options.title)}">
<text class="title" x="${size.left}" y="16">${markup(options.title)}</text>
${grid.join('')}${axis.join('')}${lines.join('')}</svg>`;
}
