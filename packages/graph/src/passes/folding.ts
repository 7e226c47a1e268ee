import { evaluateNode } from '../evaluate.ts';
import type { Constant, Node, Value } from '../graph.ts';
import type { GraphBuilder } from '../graphBuilder.ts';
import type { OpName } from '../ops/opAttributes.ts';
import type { HostTensor } from '../ops/opRow.ts';
import { sizeOf, typedArray } from '../tensorType.ts';
import type { Pass } from './pass.ts';
import { type Rule, rewriteNodes } from './rewriteNodes.ts';

const keepsSplats = new Set<OpName>([
  'ExpandDims',
  'Identity',
  'Reshape',
  'Reverse',
  'Slice',
  'Tile',
  'Transpose',
  'SplitV',
  'Unpack',
]);

const elementwise = new Set<OpName>([
  'Abs',
  'Add',
  'Cast',
  'Ceil',
  'Cos',
  'Equal',
  'Exp',
  'Expm1',
  'Floor',
  'FloorDiv',
  'Greater',
  'GreaterEqual',
  'Less',
  'LessEqual',
  'Log',
  'Log1p',
  'LogicalAnd',
  'LogicalNot',
  'LogicalOr',
  'Maximum',
  'Minimum',
  'Mod',
  'Multiply',
  'Neg',
  'NotEqual',
  'Pow',
  'RealDiv',
  'Reciprocal',
  'Relu',
  'Round',
  'Rsqrt',
  'Sigmoid',
  'Sign',
  'Sin',
  'Sqrt',
  'Square',
  'SquaredDifference',
  'Step',
  'Sub',
  'Tanh',
]);

const ruleUpTo =
  (most: number): Rule =>
  (node, build) => {
    const filled = splat(node, build);
    if (filled !== undefined) {
      return node.outputs.map((output) => build.constant(output, typedArray(output.dtype, [filled])[0] as number));
    }
    const constants = node.inputs.map((input) => build.constantOf(input));
    const isSmall = [...node.inputs, ...node.outputs].every(({ shape }) => sizeOf(shape) <= most);
    if (!isSmall || !constants.every((each) => each !== undefined)) return undefined;
    const results = evaluateNode(node, constants.map(toHost));
    return node.outputs.map((output, index) =>
      build.constant(output, typedArray(output.dtype, results[index] as ArrayLike<number>)),
    );
  };

/** The number that fills every output, where that is plain from the node. */
function splat(node: Node, build: GraphBuilder): number | undefined {
  if (node.op === 'ZerosLike') return 0;
  if (node.op === 'OnesLike') return 1;
  if (node.op === 'Fill') return node.attributes.value;
  const splats = node.inputs.map((input) => build.splatOf(input));
  if (splats.length === 0 || !splats.every((each) => each !== undefined)) return undefined;
  if (keepsSplats.has(node.op)) return splats[0];
  if (!elementwise.has(node.op)) return undefined;
  const scalars = node.inputs.map(
    ({ dtype }, index): HostTensor => ({ shape: [], dtype, data: [splats[index] as number] }),
  );
  const output = node.outputs[0] as Value;
  const scalar = { ...node, outputs: [{ shape: [], dtype: output.dtype }] } as Node;
  return evaluateNode(scalar, scalars)[0]?.[0];
}

function toHost({ value, data }: Constant): HostTensor {
  return { ...value, data: typeof data === 'number' ? new Array<number>(sizeOf(value.shape)).fill(data) : data };
}

/** Computes what depends on constants alone while no tensor has more than `most` elements. */
export function foldingUpTo(most: number): Pass {
  const rule = ruleUpTo(most);
  return {
    name: 'folding',
    doc: 'Computes now what depends on constants alone: tensors full of one number at any size, others while they are small.',
    rewrite: (graph) => rewriteNodes(graph, rule),
  };
}

export const folding = foldingUpTo(256);
