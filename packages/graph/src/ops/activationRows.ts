import { GraphError } from '../graphError.ts';
import type { OnnxWriter } from '../onnx/onnxWriter.ts';
import type { TensorType } from '../tensorType.ts';
import { requireDType, unary } from './elementwise.ts';
import { errorFunction } from './errorFunction.ts';
import type { HostTensor, None, OpRow } from './opRow.ts';

const CUBIC = 0.044715;
const SLOPE = 2 * Math.sqrt(2 / Math.PI);
const DENSITY = 1 / Math.sqrt(2 * Math.PI);

const cdf = (x: number) => 0.5 * (1 + errorFunction(x * Math.SQRT1_2));
const gate = (x: number) => 1 / (1 + Math.exp(-x * SLOPE * (1 + CUBIC * x * x)));

interface Derivative {
  readonly inputs: readonly string[];
  readonly slope: (x: number) => number;
  readonly lower: (ops: Arithmetic, x: string) => string;
}

/** The row of `dy` (the last input) times the slope of an activation at `x` (the first). */
function derivative({ inputs, slope, lower }: Derivative): OpRow<None> {
  return {
    inputs,
    shape: (types) => {
      for (const type of types) requireDType(type, ['float32']);
      const odd = types.find(({ shape }) => `${shape}` !== `${types[0]?.shape}`);
      if (odd) throw new GraphError('graph/shape', `[${types[0]?.shape}] and [${odd.shape}] have unequal shapes.`);
      return [types[0] as TensorType];
    },
    reference: (call) => {
      const x = call.inputs[0] as HostTensor;
      const dy = call.inputs.at(-1) as HostTensor;
      return [Float64Array.from(x.data, (value, index) => (dy.data[index] as number) * slope(value))];
    },
    onnx: (call) => {
      const [x, dy] = [call.inputs[0] as string, call.inputs.at(-1) as string];
      return [call.write.node('Mul', [dy, lower(new Arithmetic(call.write), x)])];
    },
  };
}

/** Float32 arithmetic on named values and numbers. */
class Arithmetic {
  readonly #write: OnnxWriter;

  constructor(write: OnnxWriter) {
    this.#write = write;
  }

  of(op: string, ...values: readonly (string | number)[]): string {
    const names = values.map((value) => (typeof value === 'number' ? this.#write.constant('float32', value) : value));
    return this.#write.node(op, names);
  }
}

export const activationRows = {
  PeftGelu: unary((x) => x * cdf(x), 'Gelu'),
  PeftGeluGrad: derivative({
    inputs: ['x', 'y', 'dy'],
    slope: (x) => cdf(x) + x * DENSITY * Math.exp(-0.5 * x * x),
    lower: (ops, x) => {
      const phi = ops.of('Mul', ops.of('Add', ops.of('Erf', ops.of('Mul', x, Math.SQRT1_2)), 1), 0.5);
      const bell = ops.of('Mul', ops.of('Exp', ops.of('Mul', ops.of('Mul', x, x), -0.5)), DENSITY);
      return ops.of('Add', phi, ops.of('Mul', x, bell));
    },
  }),
  PeftGeluTanh: unary(
    (x) => x * gate(x),
    (write, inputs) => write.node('Gelu', inputs, { approximate: 'tanh' }),
  ),
  PeftGeluTanhGrad: derivative({
    inputs: ['x', 'dy'],
    slope: (x) => gate(x) + x * gate(x) * (1 - gate(x)) * SLOPE * (1 + 3 * CUBIC * x * x),
    lower: (ops, x) => {
      const square = ops.of('Mul', x, x);
      const open = ops.of('Sigmoid', ops.of('Mul', x, ops.of('Add', ops.of('Mul', square, CUBIC * SLOPE), SLOPE)));
      const slope = ops.of('Add', ops.of('Mul', square, 3 * CUBIC * SLOPE), SLOPE);
      const bend = ops.of('Mul', ops.of('Mul', x, slope), ops.of('Sub', open, ops.of('Mul', open, open)));
      return ops.of('Add', open, bend);
    },
  }),
};
