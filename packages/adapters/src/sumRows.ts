import type { AnyModel, TokenRows } from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import type { Weighted } from './weightedSum.ts';

/**
 * Trained rows of all parts by table: base + the sum of weight times (row - base), for every row that one of them has;
 * without the tables that the sum holds whole.
 */
export function sumRows(
  { weights }: AnyModel,
  parts: readonly Weighted[],
  whole: ReadonlySet<string>,
): Readonly<Record<string, TokenRows>> {
  const given = parts.map(({ prepared, weight }) => ({ tokenRows: prepared.trained.tokenRows, weight }));
  const tables = [...new Set(given.flatMap(({ tokenRows }) => Object.keys(tokenRows)))].sort();
  return Object.fromEntries(
    tables
      .filter((table) => !whole.has(`${table}.weight`))
      .map((table) => {
        const terms = given.flatMap(({ tokenRows, weight }) =>
          Object.hasOwn(tokenRows, table) ? [{ ...(tokenRows[table] as TokenRows), weight }] : [],
        );
        return [table, sumTable(weights.tensor(`${table}.weight`), terms)];
      }),
  );
}

type Term = TokenRows & { readonly weight: number };

function sumTable(table: tf.Tensor, terms: readonly Term[]): TokenRows {
  const [first, ...more] = terms as readonly [Term, ...Term[]];
  const heads = [...new Set(terms.flatMap((term) => term.heads))];
  if (more.length === 0 && first.weight === 1) return { ids: first.ids, heads, rows: tf.clone(first.rows) };
  const ids = [...new Set(terms.flatMap((term) => term.ids))].sort((left, right) => left - right);
  const rows = tf.tidy(() => {
    const base = tf.gather(table, tf.tensor1d(ids, 'int32'));
    return terms.reduce<tf.Tensor>((sum, term) => {
      // A part leaves rows that it does not have: their difference from the base is 0.
      const own = tf.gather(table, tf.tensor1d([...term.ids], 'int32'));
      const places = tf.tensor2d(
        term.ids.map((id) => [ids.indexOf(id)]),
        [term.ids.length, 1],
        'int32',
      );
      const change = tf.scatterND(places, tf.mul(tf.sub(term.rows, own), term.weight), base.shape as [number, number]);
      return tf.add(sum, change);
    }, base);
  });
  return { ids, heads, rows };
}
