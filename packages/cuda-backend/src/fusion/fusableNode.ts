import type { Node, Value } from '@peft/graph';
import { elementCall } from '../lowering/elementCall.ts';
import { readMap } from './readMap.ts';
import { rowReduction } from './rowReduction.ts';

/** Whether a node may be a part of a fused kernel. */
export function isFusable(node: Node): boolean {
  switch (node.op) {
    case 'AddN':
    case 'PeftAdamW':
    case 'PeftDropout':
    case 'PeftLayerNorm':
    case 'PeftLayerNormGrad':
    case 'PeftRmsNorm':
    case 'PeftRmsNormGrad':
    case 'Range':
      return true;
    case 'Softmax':
      return node.attributes.dim === (node.inputs[0] as Value).shape.length - 1;
    default:
      return isElement(node) || readMap(node) !== undefined || rowReduction(node) !== undefined;
  }
}

/** Whether a node gains by a kernel of its own text even where it is alone. */
export function isElement(node: Node): boolean {
  const [output] = node.outputs as readonly [Value];
  return node.op === 'PeftDropout' || elementCall(node, output) !== undefined;
}

/** Whether making the value again costs less than reading it: dropout's mask, and what is counted or filled. */
export function isCheap(node: Node, value: Value): boolean {
  switch (node.op) {
    case 'Fill':
    case 'OnesLike':
    case 'Range':
    case 'ZerosLike':
      return true;
    case 'PeftDropout':
      return value === node.outputs[1];
    default:
      return false;
  }
}
