import type { Region } from './region.ts';

/** Bytes, and whose numbers they hold. */
export interface Segment {
  readonly begin: number;
  readonly end: number;
  readonly owner: Region;
}

/** Whose numbers lie where in a piece of memory. */
export class MemoryBook {
  /** In order, none over another. */
  readonly #segments: Segment[] = [];

  /** How many bytes of a range hold numbers of a region. */
  heldBy({ begin, end, owner }: Segment): number {
    let held = 0;
    for (let index = this.#firstEndingAfter(begin); index < this.#segments.length; index++) {
      const segment = this.#segments[index] as Segment;
      if (segment.begin >= end) break;
      if (segment.owner === owner) held += Math.min(segment.end, end) - Math.max(segment.begin, begin);
    }
    return held;
  }

  /** Gives a range to a region. */
  write(segment: Segment): void {
    const { begin, end } = segment;
    const first = this.#firstEndingAfter(begin);
    let last = first;
    while (last < this.#segments.length && (this.#segments[last] as Segment).begin < end) last++;
    const around: Segment[] = [];
    const [left, right] = [this.#segments[first], this.#segments[last - 1]];
    if (last > first && left && left.begin < begin) around.push({ ...left, end: begin });
    around.push(segment);
    if (last > first && right && right.end > end) around.push({ ...right, begin: end });
    this.#segments.splice(first, last - first, ...around);
  }

  #firstEndingAfter(place: number): number {
    let [low, high] = [0, this.#segments.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#segments[middle] as Segment).end <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
