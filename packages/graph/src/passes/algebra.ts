import type { Node, Value } from '../graph.ts';
import type { GraphBuilder } from '../graphBuilder.ts';
import { broadcastShape } from '../ops/indexing.ts';
import type { OpName } from '../ops/opAttributes.ts';
import { isSameType, sizeOf, type TensorType } from '../tensorType.ts';
import type { Pass } from './pass.ts';
import { type Rule, rewriteNodes } from './rewriteNodes.ts';

type Results = readonly Value[] | undefined;

const broadcasting = new Set<OpName>([
  'Add',
  'Equal',
  'FloorDiv',
  'Greater',
  'GreaterEqual',
  'Less',
  'LessEqual',
  'LogicalAnd',
  'LogicalOr',
  'Maximum',
  'Minimum',
  'Mod',
  'Multiply',
  'NotEqual',
  'Pow',
  'RealDiv',
  'SquaredDifference',
  'Sub',
]);

const rule: Rule = (node, build) => {
  if (node.op === 'Neg') {
    const before = build.producerOf(node.inputs[0] as Value);
    return before?.op === 'Neg' ? before.inputs : undefined;
  }
  if (!broadcasting.has(node.op)) return undefined;
  return neutral(node, build) ?? power(node, build) ?? scaled(node, build) ?? withoutBroadcasts(node, build);
};

/** x + 0, x - 0, x * 1, x / 1 and x ** 1 are x, repeated where the constant was larger. */
function neutral({ op, inputs, outputs }: Node, build: GraphBuilder): Results {
  const [a, b] = inputs as readonly [Value, Value];
  const output = outputs[0] as Value;
  const [left, right] = [build.splatOf(a), build.splatOf(b)];
  // -0 + 0 is 0, and stays -0 here: only a division by it could tell.
  if ((op === 'Add' || op === 'Sub') && right === 0) return repeated(a, output, build);
  if (op === 'Add' && left === 0) return repeated(b, output, build);
  if ((op === 'Multiply' || op === 'RealDiv' || op === 'Pow') && right === 1) return repeated(a, output, build);
  if (op === 'Multiply' && left === 1) return repeated(b, output, build);
  return undefined;
}

function repeated(x: Value, output: Value, build: GraphBuilder): Results {
  if (isSameType(x, output)) return [x];
  const aligned = [...new Array<number>(output.shape.length - x.shape.length).fill(1), ...x.shape];
  const [wide] = aligned.length === x.shape.length ? [x] : build.add('Reshape', [x], { shape: aligned });
  return build.add('Tile', [wide as Value], {
    reps: output.shape.map((length, axis) => length / (aligned[axis] as number)),
  });
}

/** Powers that have a kernel of their own. */
function power({ op, inputs, outputs }: Node, build: GraphBuilder): Results {
  const [x, exponent] = inputs as readonly [Value, Value];
  if (op !== 'Pow' || x.dtype !== 'float32' || !isSameType(x, outputs[0] as Value)) return undefined;
  const kernel = new Map<number | undefined, 'Reciprocal' | 'Rsqrt' | 'Sqrt' | 'Square'>([
    [-1, 'Reciprocal'],
    [-0.5, 'Rsqrt'],
    [0.5, 'Sqrt'],
    [2, 'Square'],
  ]).get(build.splatOf(exponent));
  return kernel && build.add(kernel, [x], {});
}

/** x / c is x * (1 / c); (x * c) * d is x * (c d), for numbers c and d. */
function scaled({ op, inputs, outputs }: Node, build: GraphBuilder): Results {
  const [a, b] = inputs as readonly [Value, Value];
  const output = outputs[0] as Value;
  if (output.dtype !== 'float32') return undefined;
  const divisor = build.splatOf(b);
  if (op === 'RealDiv' && divisor !== undefined && isNormal(1 / divisor)) {
    return build.add('Multiply', [a, build.constant(b, Math.fround(1 / divisor))], {});
  }
  if (op !== 'Multiply') return undefined;
  const [factor, x] = build.splatOf(b) === undefined ? [a, b] : [b, a];
  const before = build.producerOf(x);
  if (build.splatOf(factor) === undefined || before?.op !== 'Multiply') return undefined;
  const inner = before.inputs.find((each) => build.splatOf(each) !== undefined);
  const rest = before.inputs.find((each) => each !== inner);
  if (!inner || !rest) return undefined;
  const shape = broadcastShape(factor.shape, inner.shape);
  const both = Math.fround((build.splatOf(factor) as number) * (build.splatOf(inner) as number));
  if (!isNormal(both)) return undefined;
  return build.add('Multiply', [rest, build.constant({ shape, dtype: 'float32' }, both)], {});
}

/** Whether float32 holds the number in full precision. */
function isNormal(value: number): boolean {
  const size = Math.abs(value);
  return size > 2 ** -126 && size < 2 ** 127;
}

/** An operand need not be as large as the result: a number stays one element, a tile goes back to what it repeats. */
function withoutBroadcasts(node: Node, build: GraphBuilder): Results {
  const output = node.outputs[0] as Value;
  const [a, b] = node.inputs as readonly [Value, Value];
  for (const [operand, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const smaller = smallerThan(operand, build);
    if (!smaller || `${broadcastShape(smaller.shape, other.shape)}` !== `${output.shape}`) continue;
    const value = smaller.of ?? build.constant(smaller, build.splatOf(operand) as number);
    return build.add(node.op as 'Add', operand === a ? [value, other] : [other, value], {});
  }
  return undefined;
}

interface Smaller extends TensorType {
  /** The value there is; undefined for a number, which is made anew. */
  readonly of?: Value;
}

function smallerThan(operand: Value, build: GraphBuilder): Smaller | undefined {
  const { shape, dtype } = operand;
  if (build.splatOf(operand) !== undefined) return shape.length === 0 ? undefined : { shape: [], dtype };
  const tile = build.producerOf(operand);
  if (tile?.op !== 'Tile') return undefined;
  const value = tile.inputs[0] as Value;
  const repeatsOnes = value.shape.every((length, axis) => length === 1 || tile.attributes.reps[axis] === 1);
  return repeatsOnes && sizeOf(value.shape) < sizeOf(shape) ? { shape: value.shape, dtype, of: value } : undefined;
}

export const algebra: Pass = {
  name: 'algebra',
  doc: 'Removes neutral operations, turns powers and divisions by numbers into cheaper kernels, joins factors, and lets operands broadcast instead of being repeated.',
  rewrite: (graph) => rewriteNodes(graph, rule),
};
