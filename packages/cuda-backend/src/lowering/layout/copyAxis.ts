/** One axis of a copy: how many places, and numbers from one to the next on either side. */
export interface CopyAxis {
  readonly length: number;
  readonly from: number;
  readonly to: number;
}

/** The same copy by as few axes as it takes: neighbours that step as one are one. */
export function mergedAxes(axes: readonly CopyAxis[]): readonly CopyAxis[] {
  const merged: CopyAxis[] = [];
  for (const axis of axes) {
    if (axis.length === 1) continue;
    const outer = merged.at(-1);
    if (outer?.from === axis.from * axis.length && outer.to === axis.to * axis.length) {
      merged[merged.length - 1] = { ...axis, length: outer.length * axis.length };
    } else merged.push(axis);
  }
  return merged.length > 0 ? merged : [{ length: 1, from: 1, to: 1 }];
}
