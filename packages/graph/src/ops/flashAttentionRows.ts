import { GraphError } from '../graphError.ts';
import type { TensorType } from '../tensorType.ts';
import { type Flash, flashShapes } from './flashAttention.ts';
import { lowerAttention, lowerGradients } from './flashAttentionOnnx.ts';
import { attend, gradients } from './flashAttentionReference.ts';
import type { OpRow } from './opRow.ts';

const attributes = (raw: Readonly<Record<string, unknown>>): Flash => ({
  scale: Number(raw.scale),
  causal: raw.causal === true,
  tokensFirst: raw.tokensFirst === true,
});

/** `PeftAttention` for executors that never hold the probabilities: Dao et al. 2022, arXiv:2205.14135. */
export const flashAttentionRows = {
  /** The output, and of each query [..., heads, queries, 2] its largest score and the sum of exp(score - largest). */
  PeftFlashAttention: {
    inputs: ['query', 'key', 'value', 'mask'],
    lastIsOptional: true,
    outputs: 'list',
    attributes,
    shape: flashShapes,
    reference: attend,
    onnx: lowerAttention,
  } satisfies OpRow<Flash>,

  /** The gradients of query, key and value; `statistics` as `PeftFlashAttention` gives them. */
  PeftFlashAttentionGrad: {
    inputs: ['query', 'key', 'value', 'output', 'statistics', 'dy', 'mask'],
    lastIsOptional: true,
    outputs: 'list',
    attributes,
    shape: ([query, key, value, output, statistics, dy, mask], attributes) => {
      const taken = [query, key, value, ...(mask ? [mask] : [])] as readonly TensorType[];
      const [result, numbers] = flashShapes(taken, attributes) as readonly [TensorType, TensorType];
      for (const [given, wanted] of [
        [output, result],
        [dy, result],
        [statistics, numbers],
      ] as readonly [TensorType, TensorType][]) {
        if (given.dtype === 'float32' && `${given.shape}` === `${wanted.shape}`) continue;
        throw new GraphError(
          'graph/shape',
          `the gradient of attention takes [${wanted.shape}] of float32, got [${given.shape}] of ${given.dtype}.`,
        );
      }
      return taken.slice(0, 3);
    },
    reference: gradients,
    onnx: lowerGradients,
  } satisfies OpRow<Flash>,
};
