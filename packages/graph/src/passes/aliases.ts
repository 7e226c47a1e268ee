import type { Value } from '../graph.ts';
import { isSameType } from '../tensorType.ts';
import type { Pass } from './pass.ts';
import { type Rule, rewriteNodes } from './rewriteNodes.ts';

const rule: Rule = (node, build) => {
  const source = node.inputs[0];
  const output = node.outputs[0] as Value;
  if (source === undefined) return undefined;
  switch (node.op) {
    case 'Identity':
      return [source];
    case 'Cast':
      return isSameType(source, output) ? [source] : undefined;
    case 'ExpandDims':
      return build.add('Reshape', [source], { shape: output.shape });
    case 'Reshape': {
      if (isSameType(source, output)) return [source];
      const before = build.producerOf(source);
      return before?.op === 'Reshape' ? build.add('Reshape', before.inputs, { shape: output.shape }) : undefined;
    }
    case 'Transpose':
      return transpose(source, node.attributes.perm, { output, build });
    case 'Tile':
      return node.attributes.reps.every((times) => times === 1) ? [source] : undefined;
    case 'Slice':
    case 'PadV2':
      return isSameType(source, output) ? [source] : undefined;
    case 'Concat':
    case 'AddN':
      return node.inputs.length === 1 ? [source] : undefined;
    case 'SplitV':
      return node.outputs.length === 1 ? [source] : undefined;
    case 'Sum':
    case 'Mean':
    case 'Prod':
      return isSameType(source, output) && node.attributes.axis.every((axis) => source.shape[axis] === 1)
        ? [source]
        : undefined;
    default:
      return undefined;
  }
};

interface Place {
  readonly output: Value;
  readonly build: Parameters<Rule>[1];
}

function transpose(source: Value, perm: readonly number[], { output, build }: Place): readonly Value[] | undefined {
  if (perm.every((axis, index) => axis === index)) return [source];
  const before = build.producerOf(source);
  if (before?.op === 'Transpose') {
    return build.add('Transpose', before.inputs, { perm: perm.map((axis) => before.attributes.perm[axis] as number) });
  }
  const moved = perm.filter((axis) => source.shape[axis] !== 1);
  const keepsOrder = moved.every((axis, index) => index === 0 || axis > (moved[index - 1] as number));
  return keepsOrder ? build.add('Reshape', [source], { shape: output.shape }) : undefined;
}

export const aliases: Pass = {
  name: 'aliases',
  doc: 'Removes what moves no value: identities, casts and reshapes to the same type, chains of reshapes or transposes.',
  rewrite: (graph) => rewriteNodes(graph, rule),
};
