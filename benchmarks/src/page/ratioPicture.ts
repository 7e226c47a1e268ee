import { picture } from '../report/picture.ts';
import type { StepRow } from '../step/stepRow.ts';
import { rowTitle } from './rowTitle.ts';

const width = 720;
const left = 230;
const right = 60;
const barHeight = 14;
const headHeight = 26;

/** Bars of how many times as long each rival's step takes, row by row, with a line where both are equal. */
export function ratioPicture(rows: readonly StepRow[]): string {
  const groups = rows
    .map((row) => ({ title: rowTitle(row), bars: Object.entries(row.against) }))
    .filter(({ bars }) => bars.length > 0);
  const most = Math.max(1, ...groups.flatMap(({ bars }) => bars.map(([, { ratio }]) => ratio)));
  const x = (ratio: number) => left + (ratio / most) * (width - left - right);
  const elements: string[] = [];
  let y = 16;
  for (const { title, bars } of groups) {
    elements.push(text({ x: 10, y: y + 12, content: title, weight: 'bold' }));
    y += headHeight;
    for (const [name, { ratio }] of bars) {
      elements.push(
        text({ x: left - 8, y: y + 11, content: name, anchor: 'end' }),
        `<rect class="mark" x="${left}" y="${y}" width="${(x(ratio) - left).toFixed(1)}" height="${barHeight - 2}"/>`,
        text({ x: x(ratio) + 6, y: y + 11, content: `${ratio.toFixed(2)}x` }),
      );
      y += barHeight + 2;
    }
    y += 8;
  }
  const one = x(1).toFixed(1);
  elements.push(`<line x1="${one}" x2="${one}" y1="16" y2="${y}" stroke="#c2410c" stroke-dasharray="4 3"/>`);
  elements.push(text({ x: x(1), y: y + 14, content: 'as fast as we are', anchor: 'middle' }));
  return picture({ width, height: y + 24 }, elements);
}

function text(call: {
  readonly x: number;
  readonly y: number;
  readonly content: string;
  readonly anchor?: 'end' | 'middle';
  readonly weight?: 'bold';
}): string {
  const { x, y, content, anchor, weight } = call;
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const more = `${anchor ? ` text-anchor="${anchor}"` : ''}${weight ? ` font-weight="${weight}"` : ''}`;
  return `<text x="${x.toFixed(1)}" y="${y}"${more}>${escaped}</text>`;
}
