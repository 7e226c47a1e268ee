import { matMul } from './matMul.ts';
import { softmax } from './softmax.ts';

export interface AttentionShape {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly size: number;
  readonly width: number;
  readonly scale: number;
}

/** softmax(scale * query . key' + mask) . value; the mask holds one number per query and key, for every batch. */
export function attention(
  { query, key, value }: Readonly<Record<'query' | 'key' | 'value', Float64Array>>,
  { batch, queries, keys, size, width, scale }: AttentionShape,
  mask?: Float64Array,
): Float64Array {
  const scores = matMul(query, key, {
    batch,
    rows: queries,
    inner: size,
    columns: keys,
    transposeA: false,
    transposeB: true,
  }).map((score, index) => score * scale + (mask?.[index % mask.length] ?? 0));
  const shape = { batch, rows: queries, inner: keys, columns: width, transposeA: false, transposeB: false };
  return matMul(softmax(scores, keys), value, shape);
}
