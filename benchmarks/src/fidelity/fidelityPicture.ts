import { picture } from '../report/picture.ts';
import type { ParityRow } from './fidelity.ts';

const width = 900;
const left = 440;
const right = 30;
const rowHeight = 15;
/** Powers of ten that the axis spans. */
const axis = { from: -12, to: -2 };

/** By subject, on a logarithmic axis: a dot where the worst error lies, a line where the tolerance does. */
export function fidelityPicture(rows: readonly ParityRow[]): string {
  const shown = rows.filter(({ by }) => by !== 'equal');
  const height = 60 + shown.length * rowHeight;
  const elements: string[] = [];
  elements.push(`<text x="${left}" y="16">dot: the worst distance found; line: the distance allowed</text>`);
  for (let power = axis.from; power <= axis.to; power += 2) {
    const x = at(10 ** power).toFixed(1);
    elements.push(`<line class="grid" x1="${x}" x2="${x}" y1="24" y2="${height - 24}"/>`);
    elements.push(`<text x="${x}" y="${height - 8}" text-anchor="middle">1e${power}</text>`);
  }
  shown.forEach(({ suite, subject, worst, tolerance }, index) => {
    const y = 36 + index * rowHeight;
    const [error, limit] = [at(worst).toFixed(1), at(tolerance).toFixed(1)];
    elements.push(
      `<text x="${left - 10}" y="${y + 4}" text-anchor="end">${escaped(`${subject} (${suite})`)}</text>`,
      `<circle class="mark" cx="${error}" cy="${y}" r="4"/>`,
      `<line x1="${limit}" x2="${limit}" y1="${y - 6}" y2="${y + 6}" stroke="#c2410c" stroke-width="2"/>`,
    );
  });
  return picture({ width, height }, elements);
}

function at(value: number): number {
  const power = value === 0 ? axis.from : Math.log10(value);
  const part = (Math.min(axis.to, Math.max(axis.from, power)) - axis.from) / (axis.to - axis.from);
  return left + part * (width - left - right);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
