import * as tf from '@tensorflow/tfjs';
import { PeftError } from './error.ts';
import { type Composition, operation } from './operation.ts';
import { wasmMatMul } from './wasmMatMul.ts';

type Flags = { readonly transposeA: boolean; readonly transposeB: boolean };

/** Product of two matrices [m, k] . [k, n], or of two equally long stacks of them [batch, m, k] . [batch, k, n]. */
const product: Composition<'a' | 'b', Flags> = operation({
  name: 'PeftMatMul',
  compose: ({ a, b }, { transposeA, transposeB }) => tf.matMul(a, b, transposeA, transposeB),
  onBackend: { wasm: wasmMatMul },
  gradient: {
    saves: ['a', 'b'],
    of: (dy, { a, b }, { transposeA, transposeB }) => ({
      a: () =>
        transposeA
          ? product({ a: b, b: dy }, { transposeA: transposeB, transposeB: true })
          : product({ a: dy, b }, { transposeA: false, transposeB: !transposeB }),
      b: () =>
        transposeB
          ? product({ a: dy, b: a }, { transposeA: true, transposeB: transposeA })
          : product({ a, b: dy }, { transposeA: !transposeA, transposeB: false }),
    }),
  },
});

/**
 * Matrix product over the last two axes, at full speed on wasm in both directions; a frozen operand costs no gradient.
 *
 * Leading axes must be equal, or belong to one operand only ([..., rows, in] . [in, out]). float32.
 * @throws PeftError `ops/dtype`, `ops/shape`
 */
// biome-ignore lint/complexity/useMaxParams: tf.matMul has the same four.
export function matMul(a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor {
  check(a, b, { transposeA, transposeB });
  if (batchOf(b).length === 0) return timesMatrix(a, b, { transposeA, transposeB });
  if (batchOf(a).length === 0) {
    // a . b = (b' . a')' where only b has leading axes, so the rows of b' fold into one tall matrix.
    return swap(timesMatrix(b, a, { transposeA: !transposeB, transposeB: !transposeA }));
  }
  const result = product({ a: stack(a), b: stack(b) }, { transposeA, transposeB });
  return result.reshape([...batchOf(a), ...result.shape.slice(1)]);
}

/** Folds the leading axes of `a` into its rows: one two-dimensional product. */
function timesMatrix(a: tf.Tensor, b: tf.Tensor, { transposeA, transposeB }: Flags): tf.Tensor {
  if (a.rank === 2) return product({ a, b }, { transposeA, transposeB });
  const rows = transposeA ? swap(a) : a;
  const inner = rows.shape[rows.rank - 1] as number;
  const tall = rows.reshape([rows.size / inner, inner]);
  const result = product({ a: tall, b }, { transposeA: false, transposeB });
  return result.reshape([...rows.shape.slice(0, -1), result.shape[1] as number]);
}

function check(a: tf.Tensor, b: tf.Tensor, { transposeA, transposeB }: Flags): void {
  if (a.dtype !== 'float32' || b.dtype !== 'float32') {
    throw new PeftError('ops/dtype', `matMul multiplies float32, not ${a.dtype} by ${b.dtype}; cast the operands.`);
  }
  const shapes = `[${a.shape}]${transposeA ? ' transposed' : ''} and [${b.shape}]${transposeB ? ' transposed' : ''}`;
  if (a.rank < 2 || b.rank < 2) {
    throw new PeftError('ops/shape', `matMul needs at least two axes, got ${shapes}; reshape a vector to one row.`);
  }
  const inner = [a.shape[a.rank - (transposeA ? 2 : 1)], b.shape[b.rank - (transposeB ? 1 : 2)]];
  if (inner[0] !== inner[1]) {
    throw new PeftError(
      'ops/shape',
      `matMul cannot multiply ${shapes}: the inner sizes ${inner[0]} and ${inner[1]} differ; check the transposes.`,
    );
  }
  const [left, right] = [batchOf(a), batchOf(b)];
  if (left.length > 0 && right.length > 0 && `${left}` !== `${right}`) {
    throw new PeftError(
      'ops/shape',
      `matMul cannot multiply ${shapes}: the leading axes [${left}] and [${right}] differ; expand one operand first.`,
    );
  }
}

function batchOf(x: tf.Tensor): readonly number[] {
  return x.shape.slice(0, -2);
}

function stack(x: tf.Tensor): tf.Tensor {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  return x.rank === 3 ? x : x.reshape([batchOf(x).reduce((size, axis) => size * axis, 1), rows, columns]);
}

function swap(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis);
  return x.transpose([...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
}
