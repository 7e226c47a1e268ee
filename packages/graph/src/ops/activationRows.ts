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
const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const gate = (x: number) => logistic(x * SLOPE * (1 + CUBIC * x * x));

interface Derivative {
  readonly inputs: readonly string[];
  readonly slope: (x: number) => number;
  /** Writes the product of the slope at `x` and `dy`. */
  readonly lower: (ops: Arithmetic, x: string, dy: string) => string;
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
      return [lower(new Arithmetic(call.write), x, dy)];
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
    // With t = x / sqrt(2), twice the slope is 1 + erf(t) + exp(log(2 / sqrt(pi)) - t^2) t.
    lower: (ops, x, dy) => {
      const t = ops.of('Mul', x, Math.SQRT1_2);
      const bell = ops.of('Exp', ops.of('Sub', Math.log(2 / Math.sqrt(Math.PI)), ops.of('Mul', t, t)));
      const slope = ops.of('Add', ops.of('Add', ops.of('Erf', t), ops.of('Mul', t, bell)), 1);
      return ops.of('Mul', ops.of('Mul', dy, slope), 0.5);
    },
  }),
  PeftGeluTanh: unary(
    (x) => x * gate(x),
    (write, inputs) => write.node('Gelu', inputs, { approximate: 'tanh' }),
  ),
  PeftGeluTanhGrad: derivative({
    inputs: ['x', 'dy'],
    slope: (x) => gate(x) + x * gate(x) * (1 - gate(x)) * SLOPE * (1 + 3 * CUBIC * x * x),
    // The slope is s + s (1 - s) x u', with s the gate; u' and the gate's argument share their square.
    lower: (ops, x, dy) => {
      const root = ops.of('Mul', x, Math.sqrt(CUBIC * SLOPE));
      const square = ops.of('Mul', root, root);
      const open = ops.of('Sigmoid', ops.of('Mul', x, ops.of('Add', square, SLOPE)));
      const bend = ops.of('Mul', x, ops.of('Add', ops.of('Mul', square, 3), SLOPE));
      const rest = ops.of('Add', ops.of('Mul', ops.of('Sub', 1, open), bend), 1);
      return ops.of('Mul', dy, ops.of('Mul', open, rest));
    },
  }),
  PeftSilu: unary(
    (x) => x * logistic(x),
    (write, inputs) =>
      write.dialect === 'onnxruntime'
        ? write.ofRuntime('QuickGelu', inputs, { alpha: { float: 1 } })
        : write.node('Mul', [inputs[0] as string, write.node('Sigmoid', inputs)]),
  ),
  PeftSiluGrad: derivative({
    inputs: ['x', 'dy'],
    slope: (x) => logistic(x) * (1 + x * (1 - logistic(x))),
    lower: (ops, x, dy) => {
      const open = ops.of('Sigmoid', x);
      const rest = ops.of('Add', ops.of('Mul', x, ops.of('Sub', 1, open)), 1);
      return ops.of('Mul', dy, ops.of('Mul', open, rest));
    },
  }),
};
