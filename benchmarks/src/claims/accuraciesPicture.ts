import { picture } from '../report/picture.ts';
import { mean, standardDeviation } from '../report/summary.ts';

export type Bar = { readonly name: string; readonly values: readonly number[]; readonly isChain?: boolean };

const width = 640;
const left = 290;
const right = 600;
const rowHeight = 26;
const top = 50;

/** Mean accuracy of each method with its standard deviation over seeds, on an axis from the lowest to 100 %. */
export function accuraciesPicture(bars: readonly Bar[]): string {
  const spreads = bars.map(({ values }) => ({ centre: 100 * mean(values), spread: 100 * standardDeviation(values) }));
  const low = Math.floor(Math.min(...spreads.map(({ centre, spread }) => centre - spread)));
  const x = (value: number) => left + ((value - low) / (100 - low)) * (right - left);
  const height = top + bars.length * rowHeight + 40;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => low + share * (100 - low));
  const grid = ticks.flatMap((tick) => [
    `<line x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="${top - 12}" y2="${height - 34}" class="grid"/>`,
    `<text x="${x(tick).toFixed(1)}" y="${height - 16}" text-anchor="middle">${tick.toFixed(1)} %</text>`,
  ]);
  const rows = bars.flatMap(({ name, isChain }, index) => {
    const { centre, spread } = spreads[index] as { centre: number; spread: number };
    const y = top + index * rowHeight;
    const [from, to] = [x(Math.max(low, centre - spread)), x(Math.min(100, centre + spread))];
    return [
      `<text x="${left - 12}" y="${y + 4}" text-anchor="end">${name}</text>`,
      `<line x1="${from.toFixed(1)}" x2="${to.toFixed(1)}" y1="${y}" y2="${y}" class="whisker"/>`,
      `<circle cx="${x(centre).toFixed(1)}" cy="${y}" r="5" class="${isChain ? 'found' : 'mark'}"><title>${centre.toFixed(2)} %</title></circle>`,
    ];
  });
  const seeds = bars[0]?.values.length ?? 0;
  const title = `<text x="12" y="22">Test accuracy on digits 5 to 9, mean and standard deviation over ${seeds} seeds</text>`;
  return picture({ width, height }, [title, ...grid, ...rows]);
}
