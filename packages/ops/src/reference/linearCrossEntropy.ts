import { matMul } from './matMul.ts';
import { softmaxCrossEntropy } from './softmaxCrossEntropy.ts';

export interface LinearHead {
  readonly weight: Float64Array;
  readonly bias?: Float64Array;
  readonly transposeWeight: boolean;
  readonly labels: readonly number[];
  readonly ignore: number;
}

/** The sum of losses of rows [labels, size] under a head, all logits held at once. */
export function linearCrossEntropy(hidden: Float64Array, head: LinearHead): number {
  const { weight, bias, transposeWeight, labels, ignore } = head;
  const rows = labels.length;
  const inner = hidden.length / rows;
  const columns = weight.length / inner;
  const shape = { batch: 1, rows, inner, columns, transposeA: false, transposeB: transposeWeight };
  const logits = matMul(hidden, weight, shape).map((logit, index) => logit + (bias?.[index % columns] ?? 0));
  return softmaxCrossEntropy(logits, labels, ignore);
}
