import { sizeOf } from '@peft/core';
import type { Node, OpAttributes, OpName, Value } from '@peft/graph';

/** The node as operations on elements and sums of rows, in an order in which they can run; itself where it is one. */
export function expandedNodes(node: Node): readonly Node[] {
  switch (node.op) {
    case 'PeftAdamW':
      return adamw(node);
    case 'PeftLayerNorm':
    case 'PeftRmsNorm':
      return norm(node);
    case 'PeftLayerNormGrad':
    case 'PeftRmsNormGrad':
      return normGrad(node);
    case 'Softmax':
      return softmax(node);
    default:
      return [node];
  }
}

type Of<Op extends OpName> = Extract<Node, { readonly op: Op }>;

/** Writes nodes down; shapes are those of the operands where nothing else is said. */
class Writer {
  readonly nodes: Node[] = [];

  add<Op extends OpName>(op: Op, inputs: readonly Value[], given: Given<Op> = {}): Value {
    const { shape = widest(inputs), attributes = {}, output = { shape, dtype: 'float32' } } = given;
    this.nodes.push({ op, inputs, attributes, outputs: [output] } as unknown as Node);
    return output;
  }

  number(value: number): Value {
    return this.add('Fill', [], { shape: [], attributes: { shape: [], value, dtype: 'float32' } as never });
  }

  /** Along the last axis, which stays with length 1. */
  row(op: 'Max' | 'Mean' | 'Sum', x: Value): Value {
    const axes = [x.shape.length - 1];
    const attributes = op === 'Max' ? { reductionIndices: axes, keepDims: true } : { axis: axes, keepDims: true };
    return this.add(op, [x], { shape: [...x.shape.slice(0, -1), 1], attributes: attributes as never });
  }
}

interface Given<Op extends OpName> {
  readonly shape?: readonly number[];
  readonly attributes?: OpAttributes[Op];
  /** The value that this makes, where the graph has it. */
  readonly output?: Value | undefined;
}

function widest(inputs: readonly Value[]): readonly number[] {
  const size = ({ shape }: Value) => sizeOf(shape);
  return inputs.reduce((best, each) => (size(each) > size(best) || each.shape.length > best.shape.length ? each : best))
    .shape;
}

/** Decoupled weight decay, as `kernels/training.cu` has it. */
function adamw({ inputs, attributes: { beta1, beta2, epsilon, weightDecay }, outputs }: Of<'PeftAdamW'>): Node[] {
  const write = new Writer();
  const [param, grad, m, v, rate, correction1, correction2] = inputs as readonly [
    Value,
    Value,
    Value,
    Value,
    Value,
    Value,
    Value,
  ];
  const [nextParam, nextM, nextV] = outputs;
  const step = write.add('RealDiv', [rate, correction1]);
  const root = write.add('Sqrt', [correction2]);
  const kept = write.add('Sub', [write.number(1), write.add('Multiply', [rate, write.number(weightDecay)])]);
  const distance = write.add('Multiply', [write.add('Sub', [grad, m]), write.number(1 - beta1)]);
  const mean = write.add('Add', [m, distance], { output: nextM });
  const square = write.add('Multiply', [write.add('Square', [grad]), write.number(1 - beta2)]);
  const squares = write.add('Add', [write.add('Multiply', [v, write.number(beta2)]), square], { output: nextV });
  const size = write.add('Add', [write.add('RealDiv', [write.add('Sqrt', [squares]), root]), write.number(epsilon)]);
  const update = write.add('RealDiv', [write.add('Multiply', [step, mean]), size]);
  write.add('Sub', [write.add('Multiply', [param, kept]), update], { output: nextParam });
  return write.nodes;
}

/** Layer norm [x, gain, bias -> y, mean, inverse], or RMS norm without bias and mean. */
function norm({ inputs, attributes: { epsilon }, outputs }: Of<'PeftLayerNorm' | 'PeftRmsNorm'>): Node[] {
  const write = new Writer();
  const [x, gain, bias] = inputs as readonly [Value, Value, Value?];
  const centered = bias ? write.add('Sub', [x, rowMean(write, x, outputs[1])]) : x;
  const variance = write.row('Mean', write.add('Square', [centered]));
  const inverse = write.add('Rsqrt', [write.add('Add', [variance, write.number(epsilon)])], { output: outputs.at(-1) });
  const scaled = write.add('Multiply', [centered, inverse]);
  const gained = write.add('Multiply', [scaled, gain], bias ? {} : { output: outputs[0] });
  if (bias) write.add('Add', [gained, bias], { output: outputs[0] });
  return write.nodes;
}

function rowMean(write: Writer, x: Value, output: Value | undefined): Value {
  const axis = [x.shape.length - 1];
  return write.add('Mean', [x], { attributes: { axis, keepDims: true }, output });
}

/** The gradient by x of [x, gain, mean, inverse, dy], or of an RMS norm without the mean. */
function normGrad({ inputs, outputs }: Of<'PeftLayerNormGrad' | 'PeftRmsNormGrad'>): Node[] {
  const write = new Writer();
  const [x, gain] = inputs as readonly [Value, Value];
  const [inverse, dy] = inputs.slice(-2) as [Value, Value];
  const mean = inputs.length === 5 ? inputs[2] : undefined;
  const slope = write.add('Multiply', [dy, gain]);
  const centered = mean ? write.add('Sub', [x, mean]) : x;
  const square = write.add('Square', [inverse]);
  const along = write.add('Multiply', [write.row('Mean', write.add('Multiply', [slope, centered])), square]);
  const level = mean ? write.add('Sub', [slope, write.row('Mean', slope)]) : slope;
  const straight = write.add('Sub', [level, write.add('Multiply', [centered, along])]);
  write.add('Multiply', [inverse, straight], { shape: x.shape, output: outputs[0] });
  return write.nodes;
}

function softmax({ inputs, outputs }: Of<'Softmax'>): Node[] {
  const write = new Writer();
  const [x] = inputs as readonly [Value];
  const exponential = write.add('Exp', [write.add('Sub', [x, write.row('Max', x)])]);
  const scale = write.add('Reciprocal', [write.row('Sum', exponential)]);
  write.add('Multiply', [exponential, scale], { output: outputs[0] });
  return write.nodes;
}
