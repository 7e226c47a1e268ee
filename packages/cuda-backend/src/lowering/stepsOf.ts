import type { Graph, OpName } from '@peft/graph';
import { cudaRowOf } from './cudaTable.ts';
import type { Step } from './step.ts';

/** Results that are another shape of the same memory, whatever their rows say. */
const views = new Set<OpName>(['ExpandDims', 'Identity', 'Reshape']);

/** Every node as a step of its own, by its row. */
export function stepsOf({ nodes }: Pick<Graph, 'nodes'>): readonly Step[] {
  return nodes.map((node, index): Step => {
    const { op, inputs, outputs, attributes } = node;
    const { lower, isView, inPlace, unread, parts: partsOf } = cudaRowOf(op);
    const parts = partsOf?.({ inputs, outputs, attributes: attributes as never });
    return {
      label: `${index} ${op}`,
      node,
      inputs,
      outputs,
      lower: (call) => lower({ ...call, attributes: attributes as never }),
      ...(isView || views.has(op) ? { isView: true } : {}),
      ...(parts ? { parts } : {}),
      ...(inPlace ? { inPlace } : {}),
      ...(unread ? { unread } : {}),
    };
  });
}
