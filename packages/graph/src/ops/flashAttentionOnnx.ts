import type { TensorType } from '../tensorType.ts';
import { lowerScores, turned } from './attentionRows.ts';
import { exchanged, type Flash } from './flashAttention.ts';
import type { OnnxCall } from './opRow.ts';

type Write = OnnxCall<Flash>['write'];

/** The named tensors with heads before tokens, and their types. */
function turnedOperands({ write, inputs, types, attributes }: OnnxCall<Flash>, places: readonly number[]) {
  const turns = attributes.tokensFirst;
  return {
    inputs: places.map(
      (place) => (turns ? exchangedNode(write, types[place], inputs[place]) : inputs[place]) as string,
    ) as readonly string[],
    types: places.map((place) => {
      const type = types[place] as TensorType;
      return turns ? { ...type, shape: exchanged(type.shape) } : type;
    }),
  };
}

function exchangedNode(write: Write, type: TensorType | undefined, name: string | undefined): string {
  const axes = [...(type as TensorType).shape.keys()];
  const perm = [...axes.slice(0, -3), axes.at(-2), axes.at(-3), axes.at(-1)] as number[];
  return write.node('Transpose', [name as string], { perm });
}

export function lowerAttention(call: OnnxCall<Flash>): readonly string[] {
  const { write, attributes, outputs } = call;
  const { inputs, types } = turnedOperands(call, [0, 1, 2]);
  const mask = call.inputs[3];
  const last = write.constant('int64', [-1]);
  const shape = scoresShape(types);
  const given = [...inputs, ...(mask === undefined ? [] : [mask])];
  const scores = lowerScores({ write, inputs: given, types, attributes, shape });
  const most = write.node('ReduceMax', [scores, last], { keepdims: 1 });
  const raised = write.node('Exp', [write.node('Sub', [scores, most])]);
  const sum = write.node('ReduceSum', [raised, last], { keepdims: 1 });
  const output = write.node('MatMul', [write.node('Div', [raised, sum]), inputs[2] as string]);
  return [
    attributes.tokensFirst ? exchangedNode(write, outputs[0], output) : output,
    write.node('Concat', [most, sum], { axis: -1 }),
  ];
}

const scoresShape = ([query, key]: readonly TensorType[]) => [
  ...(query as TensorType).shape.slice(0, -1),
  (key as TensorType).shape.at(-2) as number,
];

export function lowerGradients(call: OnnxCall<Flash>): readonly string[] {
  const { write, attributes } = call;
  const { inputs, types } = turnedOperands(call, [0, 1, 2, 3, 5]);
  const [query, key, value, output, dy] = inputs as readonly string[] as [string, string, string, string, string];
  const statistics = call.inputs[4] as string;
  const mask = call.inputs[6];
  const shape = scoresShape(types);
  const given = [query, key, value, ...(mask === undefined ? [] : [mask])];
  const scores = lowerScores({ write, inputs: given, types, attributes, shape });
  const [most, sum] = write.several('Split', [statistics, write.constant('int64', [1, 1])], {
    attributes: { axis: -1 },
    count: 2,
  }) as readonly [string, string];
  const shares = write.node('Div', [write.node('Exp', [write.node('Sub', [scores, most])]), sum]);
  const direct = write.node('MatMul', [dy, turned(write, value, types[2] as TensorType)]);
  const last = write.constant('int64', [-1]);
  const delta = write.node('ReduceSum', [write.node('Mul', [dy, output]), last], { keepdims: 1 });
  const scaled = write.node('Mul', [shares, write.constant('float32', attributes.scale)]);
  const dScores = write.node('Mul', [scaled, write.node('Sub', [direct, delta])]);
  const ofScores: TensorType = { shape, dtype: 'float32' };
  const results = [
    write.node('MatMul', [dScores, key]),
    write.node('MatMul', [turned(write, dScores, ofScores), query]),
    write.node('MatMul', [turned(write, shares, ofScores), dy]),
  ];
  if (!attributes.tokensFirst) return results;
  return results.map((result, place) => exchangedNode(write, types[place], result));
}
