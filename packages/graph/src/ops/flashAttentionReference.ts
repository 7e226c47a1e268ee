import { sizeOf, type TensorType } from '../tensorType.ts';
import { maskedScores } from './attentionRows.ts';
import { exchanged, type Flash } from './flashAttention.ts';
import { readView, stridesOf } from './indexing.ts';
import type { HostTensor, ReferenceCall } from './opRow.ts';

/** Values with heads and tokens exchanged. */
function turnedValues({ shape, dtype, data }: HostTensor): HostTensor {
  const strides = stridesOf(shape);
  const axes = [...shape.keys()];
  const order = [...axes.slice(0, -3), axes.at(-2), axes.at(-3), axes.at(-1)] as number[];
  const turned = exchanged(shape);
  return {
    shape: turned,
    dtype,
    data: readView(data, turned, { strides: order.map((axis) => strides[axis] as number) }),
  };
}

const headsFirst = (tensor: HostTensor, { tokensFirst }: Flash) => (tokensFirst ? turnedValues(tensor) : tensor);

/** a . b of batches of matrices, each [rows, inner] and [inner, columns] by its own strides. */
interface Factors {
  readonly batch: number;
  readonly sizes: readonly [rows: number, inner: number, columns: number];
  readonly a: (batch: number, row: number, inner: number) => number;
  readonly b: (batch: number, inner: number, column: number) => number;
}

function product({ batch, sizes: [rows, inner, columns], a, b }: Factors): Float64Array {
  const result = new Float64Array(batch * rows * columns);
  for (let index = 0; index < result.length; index++) {
    const row = Math.floor(index / columns) % rows;
    const each = Math.floor(index / columns / rows);
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += a(each, row, k) * b(each, k, index % columns);
    result[index] = sum;
  }
  return result;
}

export function attend({ inputs, attributes, outputs }: ReferenceCall<Flash>): readonly ArrayLike<number>[] {
  const [query, key, value] = inputs.slice(0, 3).map((each) => headsFirst(each, attributes)) as [
    HostTensor,
    HostTensor,
    HostTensor,
  ];
  const [queries] = query.shape.slice(-2) as [number, number];
  const [keys, width] = value.shape.slice(-2) as [number, number];
  const scores = maskedScores({ query, key, mask: inputs[3], ...attributes });
  const statistics = new Float64Array((scores.length / keys) * 2);
  for (let row = 0; row < scores.length / keys; row++) {
    const own = scores.subarray(row * keys, (row + 1) * keys);
    const most = own.reduce((best, score) => Math.max(best, score), Number.NEGATIVE_INFINITY);
    statistics[2 * row] = most;
    statistics[2 * row + 1] = own.reduce((sum, score) => sum + Math.exp(score - most), 0);
  }
  const shares = probabilities(scores, statistics);
  const data = product({
    batch: scores.length / keys / queries,
    sizes: [queries, keys, width],
    a: (batch, row, k) => shares[(batch * queries + row) * keys + k] as number,
    b: (batch, k, column) => value.data[(batch * keys + k) * width + column] as number,
  });
  const [output] = outputs as readonly [TensorType];
  const shape = [...value.shape.slice(0, -2), queries, width];
  return [attributes.tokensFirst ? turnedValues({ ...output, shape, data }).data : data, statistics];
}

function probabilities(scores: Float64Array, statistics: ArrayLike<number>): Float64Array {
  const keys = (2 * scores.length) / statistics.length;
  return scores.map((score, index) => {
    const row = Math.floor(index / keys);
    return Math.exp(score - (statistics[2 * row] as number)) / (statistics[2 * row + 1] as number);
  });
}

export function gradients({ inputs, attributes }: ReferenceCall<Flash>): readonly ArrayLike<number>[] {
  const [query, key, value, output] = inputs.slice(0, 4).map((each) => headsFirst(each, attributes)) as [
    HostTensor,
    HostTensor,
    HostTensor,
    HostTensor,
  ];
  const dy = headsFirst(inputs[5] as HostTensor, attributes);
  const [queries, size] = query.shape.slice(-2) as [number, number];
  const [keys, width] = value.shape.slice(-2) as [number, number];
  const batch = sizeOf(query.shape.slice(0, -2));
  const shares = probabilities(
    maskedScores({ query, key, mask: inputs[6], ...attributes }),
    (inputs[4] as HostTensor).data,
  );
  const at = (data: ArrayLike<number>, place: readonly [number, number, number], [rows, columns]: readonly number[]) =>
    data[(place[0] * (rows as number) + place[1]) * (columns as number) + place[2]] as number;
  const scores = [queries, keys];
  const rows = [queries, width];
  const direct = product({
    batch,
    sizes: [queries, width, keys],
    a: (each, row, k) => at(dy.data, [each, row, k], rows),
    b: (each, k, column) => at(value.data, [each, column, k], [keys, width]),
  });
  const dScores = direct.map((each, index) => {
    const row = Math.floor(index / keys);
    let delta = 0;
    for (let i = 0; i < width; i++) {
      delta += (dy.data[row * width + i] as number) * (output.data[row * width + i] as number);
    }
    return attributes.scale * (shares[index] as number) * (each - delta);
  });
  const dQuery = product({
    batch,
    sizes: [queries, keys, size],
    a: (each, row, k) => at(dScores, [each, row, k], scores),
    b: (each, k, column) => at(key.data, [each, k, column], [keys, size]),
  });
  const dKey = product({
    batch,
    sizes: [keys, queries, size],
    a: (each, row, k) => at(dScores, [each, k, row], scores),
    b: (each, k, column) => at(query.data, [each, k, column], [queries, size]),
  });
  const dValue = product({
    batch,
    sizes: [keys, queries, width],
    a: (each, row, k) => at(shares, [each, k, row], scores),
    b: (each, k, column) => at(dy.data, [each, k, column], rows),
  });
  const inOrder = (data: Float64Array, like: HostTensor) =>
    attributes.tokensFirst ? turnedValues({ ...like, data }).data : data;
  return [inOrder(dQuery, query), inOrder(dKey, key), inOrder(dValue, value)];
}
