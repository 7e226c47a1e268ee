import type { Graph, Value } from '../graph.ts';
import type { GraphBuilder } from '../graphBuilder.ts';
import type { Pass } from './pass.ts';
import { type Rule, rewriteNodes } from './rewriteNodes.ts';

const ruleOf =
  (uses: ReadonlyMap<Value, number>): Rule =>
  (node, build) => {
    if (node.op === 'Transpose') {
      const source = node.inputs[0] as Value;
      const product = build.producerOf(source);
      if (product?.op !== 'PeftMatMul' && product?.op !== 'BatchMatMul') return undefined;
      if (!swapsLastAxes(node.attributes.perm) || uses.get(source) !== 1) return undefined;
      const [a, b] = product.inputs as readonly [Value, Value];
      const { transposeA, transposeB } = product.attributes;
      return build.add(product.op, [b, a], { transposeA: !transposeB, transposeB: !transposeA });
    }
    if (node.op !== 'PeftMatMul' && node.op !== 'BatchMatMul') return undefined;
    const [a, b] = node.inputs.map((input) => swappedSource(input, build));
    if (!a && !b) return undefined;
    const { transposeA, transposeB } = node.attributes;
    return build.add(node.op, [a ?? (node.inputs[0] as Value), b ?? (node.inputs[1] as Value)], {
      transposeA: transposeA !== Boolean(a),
      transposeB: transposeB !== Boolean(b),
    });
  };

/** How often each value is read. A product that others read too would be computed twice. */
function usesOf({ nodes, outputs }: Graph): ReadonlyMap<Value, number> {
  const uses = new Map<Value, number>();
  const read = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const { inputs } of nodes) inputs.forEach(read);
  for (const { value } of outputs) read(value);
  return uses;
}

function swappedSource(value: Value, build: GraphBuilder): Value | undefined {
  const before = build.producerOf(value);
  return before?.op === 'Transpose' && swapsLastAxes(before.attributes.perm) ? before.inputs[0] : undefined;
}

function swapsLastAxes(perm: readonly number[]): boolean {
  const { length } = perm;
  return length >= 2 && perm.every((axis, index) => axis === (index < length - 2 ? index : 2 * length - 3 - index));
}

export const transposesIntoProducts: Pass = {
  name: 'transposesIntoProducts',
  doc: 'Multiplies a transposed matrix by its flag instead of moving its values, on either side of the product.',
  rewrite: (graph) => rewriteNodes(graph, ruleOf(usesOf(graph))),
};
