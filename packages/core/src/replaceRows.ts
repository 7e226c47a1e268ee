import { gather, matMul } from '@peft/ops';
import * as tf from '@tensorflow/tfjs';
import type { TokenRows } from './tokenRows.ts';

type Rows = Pick<TokenRows, 'ids' | 'rows'>;

/** The most values of a constant that a capture takes without asking where they come from. */
const constantLength = 4096;

/** What an embedding's lookup [..., width] of ids [...] is with these rows in its table [vocabulary, width]. */
export function replaceLookups(found: tf.Tensor, ids: tf.Tensor, call: Rows & { readonly vocabulary: number }) {
  const flat = tf.reshape(ids, [-1]);
  const { places, marks } = slotsOf(call);
  const mine = gather(call.rows, tf.gather(places, flat));
  const choice = tf.reshape(isMarked(tf.gather(marks, flat)), [-1, 1]);
  const width = call.rows.shape[1] as number;
  return tf.reshape(tf.where(choice, mine, tf.reshape(found, [-1, width])), found.shape);
}

/** The product [..., vocabulary] of an input [..., width] with a table that has these rows, from that with its own. */
export function replaceProducts(output: tf.Tensor, input: tf.Tensor, { ids, rows }: Rows): tf.Tensor {
  const { places, marks } = slotsOf({ ids, vocabulary: output.shape.at(-1) as number });
  return tf.where(isMarked(marks), spread(matMul(input, rows, false, true), places, ids), output);
}

/** A table [vocabulary, width] with these rows. */
export function replaceRows(table: tf.Tensor, { ids, rows }: Rows): tf.Tensor {
  const { places, marks } = slotsOf({ ids, vocabulary: table.shape[0] as number });
  return tf.where(tf.reshape(isMarked(marks), [-1, 1]), gather(rows, places), table);
}

/** For every row of the table 1 where it is replaced, else 0, and by which of the rows (0 where it is not). */
function slotsOf({ ids, vocabulary }: { readonly ids: readonly number[]; readonly vocabulary: number }) {
  const targets = tf.reshape(constant(ids), [-1, 1]);
  return {
    places: tf.scatterND(targets, constant(ids.map((_, slot) => slot)), [vocabulary]),
    marks: tf.scatterND(targets, constant(ids.map(() => 1)), [vocabulary]),
  };
}

function isMarked(marks: tf.Tensor): tf.Tensor {
  return tf.greater(marks, tf.scalar(0, 'int32'));
}

function constant(values: readonly number[]): tf.Tensor {
  const parts = Array.from({ length: Math.ceil(values.length / constantLength) }, (_, part) =>
    tf.tensor1d(values.slice(part * constantLength, (part + 1) * constantLength), 'int32'),
  );
  return parts.length === 1 ? (parts[0] as tf.Tensor) : tf.concat(parts);
}

/** Columns of x [..., n] at `places` [vocabulary]. Each column that counts stands at its own id, so dx picks them there. */
function spread(x: tf.Tensor, places: tf.Tensor, ids: readonly number[]): tf.Tensor {
  const compute = tf.customGrad((input) => ({
    value: tf.gather(input as tf.Tensor, places, x.rank - 1),
    gradFunc: (dy: tf.Tensor) => tf.gather(dy, constant(ids), dy.rank - 1),
  }));
  return compute(x);
}
