import type { Graph, OpName, Value } from '@peft/graph';

/** Operations on tensor cores, whose operands are bf16. */
export const products: ReadonlySet<OpName> = new Set<OpName>([
  'BatchMatMul',
  'PeftMatMul',
  'PeftAttention',
  'PeftAttentionGrad',
  'PeftFlashAttention',
  'PeftFlashAttentionGrad',
  'PeftLinearCrossEntropy',
  'PeftLinearCrossEntropyWithGradient',
]);

/** Values that a product reads, directly or by what is made of them: not gradients of leaves, moments, losses. */
export function leadingValues({ nodes }: Pick<Graph, 'nodes'>): ReadonlySet<Value> {
  const leading = new Set<Value>();
  for (const { op, inputs, outputs } of nodes.toReversed()) {
    if (!products.has(op) && !outputs.some((output) => leading.has(output))) continue;
    for (const input of inputs) leading.add(input);
  }
  return leading;
}
