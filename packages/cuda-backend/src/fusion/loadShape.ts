import { type IndexMap, isConstant, placeText, splitAt } from './indexMap.ts';

/** How a thread reads the eight neighbouring numbers it works on: C++ of their places. */
export interface LoadShape {
  /** As they lie, one number for all, or each by its own place. */
  readonly kind: 'eight' | 'one' | 'each';
  /** Of the first; of 'each': of number `i`. */
  readonly place: string;
}

/** The numbers of a kernel: `index` in one run, or `row` and `column` in rows of `width`. */
export function loadShape(map: IndexMap, width: number | undefined): LoadShape {
  if (width === undefined) return runShape(map, 'index');
  const parts = splitAt(width, map);
  if (!parts) return { kind: 'each', place: placeText(map, '(start + column + i)') };
  const [outer, inner] = parts;
  const own = runShape(inner, 'column');
  if (isConstant(outer) && outer.offset === 0) return own;
  // The two never overlap: what the row adds is the same for all its numbers.
  const first = placeText(outer, 'row');
  return { ...own, place: own.place === '0' ? first : `${first} + ${own.place}` };
}

function runShape(map: IndexMap, index: string): LoadShape {
  const inner = map.axes.at(-1);
  const isWhole = map.axes.length <= 1;
  if (!inner || (isWhole && inner.step <= 1) || (inner.length % 8 === 0 && inner.step <= 1)) {
    return { kind: !inner || inner.step === 0 ? 'one' : 'eight', place: placeText(map, index) };
  }
  return { kind: 'each', place: placeText(map, `(${index} + i)`) };
}
