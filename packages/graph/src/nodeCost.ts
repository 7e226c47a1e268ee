import type { Node, Value } from './graph.ts';
import { sizeOf } from './tensorType.ts';

/** A pass over memory takes as long, for each number, as about this many operations of a matrix product (measured, AVX-512). */
const perNumber = 64;

/** How long a node runs, in floating-point operations of a matrix product. */
export function nodeCost(node: Node): number {
  const { op, inputs, outputs } = node;
  const numbers = outputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  switch (op) {
    case 'ExpandDims':
    case 'Identity':
    case 'Reshape':
      return 0;
    case 'BatchMatMul':
    case 'PeftMatMul': {
      const inner = (inputs[0] as Value).shape.at(node.attributes.transposeA ? -2 : -1) as number;
      return numbers * (perNumber + 2 * inner);
    }
    case 'PeftAttention': {
      const [query, , value] = inputs as readonly [Value, Value, Value];
      const widths = (query.shape.at(-1) as number) + (value.shape.at(-1) as number);
      return sizeOf((outputs[1] as Value).shape) * (3 * perNumber + 2 * widths);
    }
    case 'PeftAttentionGrad':
      return numbers * (4 * perNumber + 2 * ((inputs[0] as Value).shape.at(-1) as number));
    case 'PeftFlashAttention':
    case 'PeftFlashAttentionGrad': {
      const [query, key, value] = inputs as readonly [Value, Value, Value];
      const widths = (query.shape.at(-1) as number) + (value.shape.at(-1) as number);
      const keys = key.shape.at(node.attributes.tokensFirst ? -3 : -2) as number;
      const scores = (sizeOf(query.shape) / (query.shape.at(-1) as number)) * keys;
      return scores * (3 * perNumber + (op === 'PeftFlashAttention' ? 2 : 5) * widths);
    }
    case 'PeftGelu':
    case 'PeftGeluTanh':
    case 'PeftLayerNorm':
    case 'Softmax':
      return 3 * perNumber * numbers;
    default:
      return perNumber * Math.max(numbers, ...inputs.map(({ shape }) => sizeOf(shape)));
  }
}
