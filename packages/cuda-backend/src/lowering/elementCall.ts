import type { Node, Value } from '@peft/graph';
import { type ElementName, elementExpressions } from './elementExpressions.ts';

/** A node as an operation on elements. */
export interface ElementCall {
  readonly name: ElementName;
  /** Places of the inputs that are its operands. */
  readonly operands: readonly number[];
  /** At most two numbers. */
  readonly attributes: readonly number[];
}

const casts = { float32: 'CastToFloat', int32: 'CastToInteger', bool: 'CastToBool' } as const;

/** The operation on elements that makes each number of the node's result; undefined for other nodes. */
export function elementCall(node: Pick<Node, 'op' | 'attributes'>, result: Value): ElementCall | undefined {
  const { op } = node as Node;
  switch (op) {
    case 'Cast':
      return { name: casts[result.dtype], operands: [0], attributes: [] };
    case 'Fill':
      return { name: 'Fill', operands: [], attributes: [(node as Node & { op: 'Fill' }).attributes.value] };
    case 'OnesLike':
      return { name: 'Fill', operands: [], attributes: [1] };
    case 'ZerosLike':
      return { name: 'Fill', operands: [], attributes: [0] };
    case 'ClipByValue': {
      const { clipValueMin, clipValueMax } = (node as Node & { op: 'ClipByValue' }).attributes;
      return { name: op, operands: [0], attributes: [clipValueMin, clipValueMax] };
    }
    case 'LeakyRelu':
    case 'Step':
      return { name: op, operands: [0], attributes: [(node as Node & { op: 'Step' }).attributes.alpha] };
    case 'PeftGeluGrad':
      return { name: op, operands: [0, 2], attributes: [] };
    default:
      return isElementName(op)
        ? { name: op, operands: [0, 1, 2].slice(0, elementExpressions[op].operands), attributes: [] }
        : undefined;
  }
}

function isElementName(name: string): name is ElementName {
  return Object.hasOwn(elementExpressions, name);
}
