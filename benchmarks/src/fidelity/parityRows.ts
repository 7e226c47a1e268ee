import type { ParityRow } from './fidelity.ts';

type Note = {
  readonly subject: string;
  readonly distance: number | null;
  readonly tolerance: number;
  readonly by: string;
  readonly values: number;
};

/** The notes that `expectParity` left, one JSON line a comparison, by subject. A distance of NaN was written as null. */
export function parityRows(suite: string, log: string): readonly ParityRow[] {
  const notes = log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Note);
  const subjects = [...new Set(notes.map(({ subject }) => subject))].sort();
  return subjects.map((subject) => {
    const all = notes.filter((note) => note.subject === subject);
    const worst = all.reduce((left, right) => (strain(right) > strain(left) ? right : left));
    return {
      suite,
      subject,
      comparisons: all.length,
      values: all.reduce((sum, { values }) => sum + values, 0),
      worst: worst.distance ?? Number.POSITIVE_INFINITY,
      tolerance: worst.tolerance,
      by: worst.by,
    };
  });
}

/** How much of its tolerance a comparison used. */
function strain({ distance, tolerance }: Note): number {
  if (distance === null) return Number.POSITIVE_INFINITY;
  return tolerance === 0 ? (distance === 0 ? 0 : Number.POSITIVE_INFINITY) : distance / tolerance;
}
