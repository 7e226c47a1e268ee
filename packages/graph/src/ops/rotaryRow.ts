import { GraphError } from '../graphError.ts';
import type { TensorType } from '../tensorType.ts';
import { requireDType } from './elementwise.ts';
import type { HostTensor, OpRow } from './opRow.ts';

/** `PeftRotary`: turns the pairs (i, i + size / 2) of the last axis by the angles of their place, or back. */
export const rotaryRow: OpRow<{ readonly backward: boolean }> = {
  inputs: ['x', 'cos', 'sin'],
  attributes: (raw) => ({ backward: raw.backward === true }),
  shape: (inputs) => {
    const [x, cos, sin] = inputs.map((each) => requireDType(each, ['float32']).shape) as [number[], number[], number[]];
    const [places, size] = x.slice(-2) as [number, number];
    const angles = `${[places, size / 2]}`;
    if (x.length >= 2 && `${cos}` === angles && `${sin}` === angles) return [inputs[0] as TensorType];
    throw new GraphError('graph/shape', `angles of [${x}] are [${angles}], not [${cos}] and [${sin}].`);
  },
  reference: ({ inputs, attributes: { backward } }) => {
    const [x, cos, sin] = inputs as readonly [HostTensor, HostTensor, HostTensor];
    const [places, size] = x.shape.slice(-2) as [number, number];
    const half = size / 2;
    return [
      Float64Array.from(x.data, (value, index) => {
        const column = index % size;
        const angle = (Math.floor(index / size) % places) * half + (column % half);
        const isFirst = column < half;
        const other = x.data[isFirst ? index + half : index - half] as number;
        const sign = isFirst === backward ? 1 : -1;
        return value * (cos.data[angle] as number) + sign * other * (sin.data[angle] as number);
      }),
    ];
  },
  onnx: ({ write, inputs, types, attributes: { backward } }) => {
    const [x, cos, sin] = inputs as readonly [string, string, string];
    const turn = backward ? write.node('Neg', [sin]) : sin;
    const { shape } = types[0] as TensorType;
    if (write.dialect === 'onnxruntime' && shape.length === 4) {
      return [write.ofRuntime('RotaryEmbedding', [x, write.constant('int64', [0]), cos, turn])];
    }
    const half = (shape.at(-1) as number) / 2;
    const [first, second] = write.several('Split', [x, write.constant('int64', [half, half])], {
      attributes: { axis: -1 },
      count: 2,
    }) as readonly [string, string];
    const product = (a: string, b: string) => write.node('Mul', [a, b]);
    const halves = [
      write.node('Sub', [product(first, cos), product(second, turn)]),
      write.node('Add', [product(second, cos), product(first, turn)]),
    ];
    return [write.node('Concat', halves, { axis: -1 })];
  },
};
