import { picture } from '../report/picture.ts';

const width = 560;
const height = 240;
const left = 50;
const bottom = 200;

/** Planted rank of each map as a bar, ranks found over seeds as dots of their share. */
export function ranksPicture(planted: readonly number[], found: readonly (readonly number[])[]): string {
  const most = Math.max(...planted, ...found.flat(), 1);
  const step = (width - left - 20) / planted.length;
  const y = (rank: number) => bottom - (rank / most) * (bottom - 40);
  const grid = Array.from({ length: most + 1 }, (_, rank) => [
    `<line x1="${left}" x2="${width - 20}" y1="${y(rank)}" y2="${y(rank)}" class="grid"/>`,
    `<text x="${left - 8}" y="${y(rank) + 4}" text-anchor="end">${rank}</text>`,
  ]).flat();
  const bars = planted.map((rank, map) => {
    const x = left + map * step + step * 0.2;
    return `<rect x="${x.toFixed(1)}" y="${y(rank)}" width="${(step * 0.6).toFixed(1)}" height="${bottom - y(rank)}" class="planted"/>`;
  });
  const dots = planted.flatMap((_, map) => {
    const counts = new Map<number, number>();
    for (const ranks of found) counts.set(ranks[map] as number, (counts.get(ranks[map] as number) ?? 0) + 1);
    return [...counts].map(([rank, count]) => {
      const radius = (3 + 5 * Math.sqrt(count / found.length)).toFixed(1);
      const x = (left + (map + 0.5) * step).toFixed(1);
      return `<circle cx="${x}" cy="${y(rank)}" r="${radius}" class="found"><title>rank ${rank} in ${count} of ${found.length} seeds</title></circle>`;
    });
  });
  const names = planted.map(
    (_, map) =>
      `<text x="${(left + (map + 0.5) * step).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">map ${map}</text>`,
  );
  const title = `<text x="${left}" y="20">Rank planted (bars) and found (dots, area by share of ${found.length} seeds)</text>`;
  return picture({ width, height }, [title, ...grid, ...bars, ...dots, ...names]);
}
