import { GraphError } from '../graphError.ts';
import type { OnnxWriter } from '../onnx/onnxWriter.ts';
import type { TensorType } from '../tensorType.ts';
import { requireDType } from './elementwise.ts';
import type { HostTensor, None, OpRow } from './opRow.ts';

type Side = { readonly side: 'columns' | 'rows' };
type Triplet = readonly [TensorType, TensorType, TensorType];

const scalar: TensorType = { shape: [], dtype: 'float32' };

/** The rank of factors a [in, r] and b [r, out] beside a vector [r]. */
function requireRank([a, vector, b]: Triplet): number {
  for (const each of [a, vector, b]) requireDType(each, ['float32']);
  const [rank] = vector.shape;
  if (a.shape.length === 2 && b.shape.length === 2 && a.shape[1] === rank && b.shape[0] === rank) return rank as number;
  throw new GraphError(
    'graph/shape',
    `triplets are a [in, r], a vector [r] and b [r, out], not [${a.shape}], [${vector.shape}] and [${b.shape}].`,
  );
}

/** The operations of `@peft/adalora`, one node each. */
export const tripletRows = {
  /** Both averages of a leaf after a step: of |w g|, and of its distance from the first as it is then. */
  PeftImportance: {
    inputs: ['param', 'grad', 'sensitivity', 'uncertainty', 'sensitivityRate', 'uncertaintyRate'],
    outputs: 'list',
    shape: (inputs) => {
      const [param, ...rest] = inputs.slice(0, 4) as [TensorType, ...TensorType[]];
      const odd = rest.find(({ shape }) => `${shape}` !== `${param.shape}`);
      if (!odd) return [param, param];
      throw new GraphError('graph/shape', `a leaf [${param.shape}] has no averages or gradient [${odd.shape}].`);
    },
    reference: ({ inputs }) => {
      const [param, grad, means, distances] = inputs.map(({ data }) => data) as [Numbers, Numbers, Numbers, Numbers];
      const [meanRate, distanceRate] = inputs.slice(4).map(({ data }) => data[0] as number) as [number, number];
      const importance = Float64Array.from(param, (weight, i) => Math.abs(weight * (grad[i] as number)));
      const mean = importance.map((value, i) => (means[i] as number) + meanRate * (value - (means[i] as number)));
      const distance = importance.map((value, i) => {
        const old = distances[i] as number;
        return old + distanceRate * (Math.abs(value - (mean[i] as number)) - old);
      });
      return [mean, distance];
    },
    onnx: ({ write, inputs }) => {
      const [param, grad, means, distances, meanRate, distanceRate] = inputs as readonly [
        string,
        string,
        string,
        string,
        string,
        string,
      ];
      const towards = (old: string, value: string, rate: string) =>
        write.node('Add', [old, write.node('Mul', [rate, write.node('Sub', [value, old])])]);
      const importance = write.node('Abs', [write.node('Mul', [param, grad])]);
      const mean = towards(means, importance, meanRate);
      const distance = write.node('Abs', [write.node('Sub', [importance, mean])]);
      return [mean, towards(distances, distance, distanceRate)];
    },
  } satisfies OpRow<None>,

  /** Scores [r]: that of lambda plus the mean scores of the column of a and the row of b. */
  PeftTripletScore: {
    inputs: [
      'sensitivityOfA',
      'sensitivityOfLambda',
      'sensitivityOfB',
      'uncertaintyOfA',
      'uncertaintyOfLambda',
      'uncertaintyOfB',
    ],
    shape: (inputs) => {
      const rank = requireRank(inputs.slice(0, 3) as unknown as Triplet);
      requireRank(inputs.slice(3) as unknown as Triplet);
      return [{ shape: [rank], dtype: 'float32' }];
    },
    reference: ({ inputs }) => {
      const product = (place: number) =>
        Float64Array.from(
          (inputs[place] as HostTensor).data,
          (value, i) => value * (inputs[place + 3]?.data[i] as number),
        );
      const [ofA, ofLambda, ofB] = [product(0), product(1), product(2)];
      const rank = ofLambda.length;
      const columns = ofB.length / rank;
      return [
        ofLambda.map((own, triplet) => {
          const a = ofA.reduce((sum, value, at) => sum + (at % rank === triplet ? value : 0), 0);
          const b = ofB.subarray(triplet * columns, (triplet + 1) * columns).reduce((sum, value) => sum + value, 0);
          return own + (a * rank) / ofA.length + b / columns;
        }),
      ];
    },
    onnx: ({ write, inputs }) => {
      const product = (place: number) => write.node('Mul', [inputs[place] as string, inputs[place + 3] as string]);
      const mean = (x: string, axis: number) =>
        write.node('ReduceMean', [x, write.constant('int64', [axis])], { keepdims: 0 });
      return [write.node('Add', [product(1), write.node('Add', [mean(product(0), 0), mean(product(2), 1)])])];
    },
  } satisfies OpRow<None>,

  /** ||a'a - I||^2 + ||bb' - I||^2 over the triplets that `live` counts. */
  PeftTripletDistance: {
    inputs: ['a', 'b', 'live'],
    shape: ([a, b, live]) => {
      requireRank([a, live, b] as unknown as Triplet);
      return [scalar];
    },
    reference: ({ inputs }) => {
      const [a, b, live] = inputs as readonly [HostTensor, HostTensor, HostTensor];
      const squares = [excessOf(a, live, 'columns'), excessOf(b, live, 'rows')].flatMap((each) => [...each]);
      return [[squares.reduce((sum, value) => sum + value * value, 0)]];
    },
    onnx: ({ write, inputs }) => {
      const [a, b, live] = inputs as readonly [string, string, string];
      const square = (factor: string, side: Side['side']) =>
        write.node('ReduceSumSquare', [lowerExcess(write, { factor, live, side })], { keepdims: 0 });
      return [write.node('Add', [square(a, 'columns'), square(b, 'rows')])];
    },
  } satisfies OpRow<None>,

  /** 4 a (a'a - I) for columns, 4 (bb' - I) b for rows, times dy. */
  PeftTripletDistanceGradient: {
    inputs: ['factor', 'live', 'dy'],
    attributes: (raw) => ({ side: raw.side === 'columns' ? 'columns' : 'rows' }),
    shape: ([factor, live], { side }) => {
      const { shape } = requireDType(factor as TensorType, ['float32']);
      const rank = shape[side === 'columns' ? 1 : 0];
      if (shape.length === 2 && `${live?.shape}` === `${rank}`) return [factor as TensorType];
      throw new GraphError('graph/shape', `the ${side} of [${shape}] are not counted by a vector [${live?.shape}].`);
    },
    reference: ({ inputs, attributes: { side } }) => {
      const [factor, live, dy] = inputs as readonly [HostTensor, HostTensor, HostTensor];
      const rank = live.data.length;
      const excess = excessOf(factor, live, side);
      const { at, length } = layoutOf(factor, side);
      const result = new Float64Array(factor.data.length);
      for (let i = 0; i < rank; i++) {
        for (let j = 0; j < rank; j++) {
          const weight = 4 * (dy.data[0] as number) * (excess[i * rank + j] as number);
          for (let k = 0; k < length; k++) {
            result[at(i, k)] = (result[at(i, k)] as number) + weight * (factor.data[at(j, k)] as number);
          }
        }
      }
      return [result];
    },
    onnx: ({ write, inputs, attributes: { side } }) => {
      const [factor, live, dy] = inputs as readonly [string, string, string];
      const weight = write.node('Mul', [dy, write.constant('float32', 4)]);
      const excess = write.node('Mul', [lowerExcess(write, { factor, live, side }), weight]);
      return [write.node('MatMul', side === 'columns' ? [factor, excess] : [excess, factor])];
    },
  } satisfies OpRow<Side>,
};

type Numbers = ArrayLike<number>;

/** Where entry k of vector i is. */
function layoutOf({ shape }: TensorType, side: Side['side']) {
  const [rows, columns] = shape as readonly [number, number];
  return side === 'columns'
    ? { length: rows, at: (i: number, k: number) => k * columns + i }
    : { length: columns, at: (i: number, k: number) => i * columns + k };
}

/** The Gram matrix minus the identity, zero where one of the two vectors does not count. */
function excessOf(factor: HostTensor, live: HostTensor, side: Side['side']): Float64Array {
  const rank = live.data.length;
  const { at, length } = layoutOf(factor, side);
  return Float64Array.from({ length: rank * rank }, (_, entry) => {
    const [i, j] = [Math.floor(entry / rank), entry % rank];
    let sum = i === j ? -1 : 0;
    for (let k = 0; k < length; k++) sum += (factor.data[at(i, k)] as number) * (factor.data[at(j, k)] as number);
    return sum * (live.data[i] as number) * (live.data[j] as number);
  });
}

function lowerExcess(
  write: OnnxWriter,
  { factor, live, side }: Side & { readonly factor: string; readonly live: string },
): string {
  const isColumns = side === 'columns';
  const gram = write.node('Gemm', [factor, factor], { transA: Number(isColumns), transB: Number(!isColumns) });
  const excess = write.node('Sub', [gram, write.node('EyeLike', [gram])]);
  const column = write.node('Unsqueeze', [live, write.constant('int64', [1])]);
  return write.node('Mul', [write.node('Mul', [excess, live]), column]);
}
