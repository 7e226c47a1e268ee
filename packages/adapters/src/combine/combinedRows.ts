import { type AnyModel, fromTensor, type HostArray, hostArray, type TokenTable, toFloat32 } from '@peft/core';
import type { WeightedAdapter } from './combineOptions.ts';
import { requireFinite } from './requireFinite.ts';

/** Rows of a table that were trained, combined; their values [ids, width] on the host. */
export type CombinedRows = TokenTable & { readonly rows: HostArray };

/** The rows that any of the adapters trained, by table: the base's row plus the weighted sum of the differences from it. */
export async function combinedRows(
  { weights }: AnyModel,
  sources: readonly Required<WeightedAdapter>[],
): Promise<Readonly<Record<string, CombinedRows>>> {
  const combined: Record<string, CombinedRows> = {};
  for (const path of [...new Set(sources.flatMap(({ adapter }) => Object.keys(adapter.tokenRows)))].sort()) {
    const taken = sources.flatMap(({ adapter, weight }) => {
      const table = Object.hasOwn(adapter.tokenRows, path) ? adapter.tokenRows[path] : undefined;
      return table ? [{ table, weight, adapter }] : [];
    });
    const base = weights.get(`${path}.weight`);
    const width = base.shape[1] as number;
    const before = toFloat32(base);
    const ids = [...new Set(taken.flatMap(({ table }) => table.ids))];
    const rows = Float64Array.from(ids.flatMap((id) => [...before.subarray(id * width, (id + 1) * width)]));
    for (const { table, weight, adapter } of taken) {
      const after = toFloat32(await fromTensor(table.rows));
      requireFinite(after, adapter, path);
      for (const [index, id] of table.ids.entries()) {
        const into = ids.indexOf(id) * width;
        for (let at = 0; at < width; at++) {
          const change = (after[index * width + at] as number) - (before[id * width + at] as number);
          rows[into + at] = (rows[into + at] as number) + weight * change;
        }
      }
    }
    const [first] = taken;
    combined[path] = {
      ids,
      heads: first?.table.heads ?? [],
      rows: hostArray(Float32Array.from(rows), [ids.length, width]),
    };
  }
  return combined;
}
