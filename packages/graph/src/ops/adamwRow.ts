import { GraphError } from '../graphError.ts';
import type { TensorType } from '../tensorType.ts';
import type { HostTensor, OpRow } from './opRow.ts';

type Options = {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
};

const names = ['param', 'grad', 'm', 'v', 'learningRate', 'correction1', 'correction2'] as const;

/** `PeftAdamW`: one update of one leaf; the new parameter and both moments. */
export const adamwRow: OpRow<Options> = {
  inputs: names,
  outputs: 'list',
  attributes: (raw) => ({
    beta1: Number(raw.beta1),
    beta2: Number(raw.beta2),
    epsilon: Number(raw.epsilon),
    weightDecay: Number(raw.weightDecay),
  }),
  shape: (inputs) => {
    const [param, ...rest] = inputs.slice(0, 4) as [TensorType, ...TensorType[]];
    const odd = rest.find(({ shape }) => `${shape}` !== `${param.shape}`);
    if (odd) throw new GraphError('graph/shape', `a parameter [${param.shape}] cannot be updated by [${odd.shape}].`);
    return [param, param, param];
  },
  reference: ({ inputs, attributes: { beta1, beta2, epsilon, weightDecay } }) => {
    const [param, grad, m, v] = inputs.map(({ data }) => data) as [Numbers, Numbers, Numbers, Numbers];
    const [rate, correction1, correction2] = inputs.slice(4).map((each: HostTensor) => each.data[0] as number) as [
      number,
      number,
      number,
    ];
    const means = Float64Array.from(m, (mean, i) => mean + ((grad[i] as number) - mean) * (1 - beta1));
    const squares = Float64Array.from(v, (square, i) => square * beta2 + (grad[i] as number) ** 2 * (1 - beta2));
    const next = Float64Array.from(param, (value, i) => {
      const root = Math.sqrt(squares[i] as number) / Math.sqrt(correction2) + epsilon;
      return value * (1 - rate * weightDecay) - ((rate / correction1) * (means[i] as number)) / root;
    });
    return [next, means, squares];
  },
  onnx: ({ write, inputs, attributes: { beta1, beta2, epsilon, weightDecay } }) => {
    const [param, grad, m, v, rate, correction1, correction2] = inputs as readonly string[] &
      readonly [string, string, string, string, string, string, string];
    const of = (op: string, ...values: readonly (string | number)[]) =>
      write.node(
        op,
        values.map((value) => (typeof value === 'number' ? write.constant('float32', value) : value)),
      );
    const mean = of('Add', m, of('Mul', of('Sub', grad, m), 1 - beta1));
    const square = of('Add', of('Mul', v, beta2), of('Mul', of('Mul', grad, grad), 1 - beta2));
    const root = of('Add', of('Div', of('Sqrt', square), of('Sqrt', correction2)), epsilon);
    const kept = weightDecay === 0 ? param : of('Mul', param, of('Sub', 1, of('Mul', rate, weightDecay)));
    return [of('Sub', kept, of('Div', of('Mul', mean, of('Div', rate, correction1)), root)), mean, square];
  },
};

type Numbers = ArrayLike<number>;
