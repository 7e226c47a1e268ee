/** A number per target as files have it: the one that comes most often, and a pattern for the paths with another. */
export type ExactPattern = { readonly usual: number; readonly pattern: Readonly<Record<string, number>> };

/** The pattern that gives every one of these paths its number; of numbers that come equally often the larger is usual. */
export function exactPattern(byPath: Readonly<Record<string, number>>): ExactPattern {
  const values = Object.values(byPath);
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [usual = 1] = [...counts.keys()].sort((left, right) => {
    const byCount = (counts.get(right) ?? 0) - (counts.get(left) ?? 0);
    return byCount === 0 ? right - left : byCount;
  });
  const others = Object.entries(byPath).filter(([, value]) => value !== usual);
  return { usual, pattern: Object.fromEntries(others.map(([path, value]) => [`^${escaped(path)}`, value])) };
}

function escaped(path: string): string {
  return path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
