import type { RankRecord } from '../recordRanks.ts';
import { markup } from './markup.ts';

const cell = { width: 9, height: 15 };
const labelWidth = 250;
const top = 26;

/** Live ranks of every target over training steps: a row a target, a column a recorded step. */
export function heatMap(records: readonly RankRecord[], title: string): string {
  const targets = Object.keys(records[0]?.ranks ?? {});
  const most = Math.max(1, ...records.flatMap(({ ranks }) => Object.values(ranks)));
  const width = Math.max(labelWidth + records.length * cell.width + 60, 520);
  const height = top + targets.length * cell.height + 26;
  const rows = targets.map((target, row) => {
    const y = top + row * cell.height;
    const cells = records.map(({ step, ranks }, column) => {
      const rank = ranks[target] ?? 0;
      const x = labelWidth + column * cell.width;
      const tip = `${markup(target)}, step ${step}: rank ${rank}`;
      return `<rect class="cell" x="${x}" y="${y}" width="${cell.width - 1}" height="${cell.height - 1}" fill-opacity="${(rank / most).toFixed(3)}"><title>${tip}</title></rect>`;
    });
    const last = records.at(-1)?.ranks[target] ?? 0;
    return (
      `<text class="tick" x="${labelWidth - 8}" y="${y + 11}" text-anchor="end">${markup(shortened(target))}</text>` +
      `${cells.join('')}<text class="tick" x="${labelWidth + records.length * cell.width + 6}" y="${y + 11}">${last}</text>`
    );
  });
  const steps = [records[0], records[Math.floor(records.length / 2)], records.at(-1)].map((record) => {
    if (!record) return '';
    const x = labelWidth + records.indexOf(record) * cell.width;
    return `<text class="tick" x="${x}" y="${height - 8}" text-anchor="middle">${record.step}</text>`;
  });
  return `<svg style="max-width:${1.4 * width}px" viewBox="0 0 ${width} ${height}" role="img" aria-label="${markup(title)}">
<text class="title" x="0" y="15">${markup(title)}</text>${rows.join('')}${steps.join('')}</svg>`;
}

function shortened(path: string): string {
  return path.replace('vit.encoder.layer.', 'layer ').replace('attention.attention', 'attention');
}
