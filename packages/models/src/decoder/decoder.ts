import type { At, Model, Target, Weights } from '@peft/core';
import type * as tf from '@tensorflow/tfjs';
import type { TokenBatch } from '../tokenBatch.ts';
import { lastTokens } from './lastTokens.ts';

export type DecoderParts = {
  readonly task: 'causalLanguage' | 'classification';
  readonly targets: readonly Target[];
  readonly weights: Weights;
  readonly inputEmbedding: string;
  readonly ties?: Readonly<Record<string, string>>;
  readonly head: Target;
  readonly outputSize: number;
  readonly padToken: number | undefined;
  /** Refuses a batch it cannot read. */
  check(batch: TokenBatch): void;
  /** What the head reads, [rows, in]: of all tokens in order, or of `rows` (int32 [n]). */
  states(batch: TokenBatch, at: At, rows?: tf.Tensor): tf.Tensor;
};

const column = { dtype: 'int32', shape: ['batch', 'sequence'] } as const;

/** A decoder with its head: logits of the next token, [sequences, length, vocabulary], or of classes, [sequences, labels]. */
export function decoder({ task, head, padToken, check, states, ...model }: DecoderParts): Model<TokenBatch> {
  const checked = (batch: TokenBatch, at: At, rows?: tf.Tensor) => {
    check(batch);
    return states(batch, at, rows);
  };
  const common = { ...model, outputHead: [head.path], inputs: { inputIds: column, attentionMask: column } };
  if (task === 'classification') {
    return {
      ...common,
      apply(batch, at) {
        check(batch);
        return at.linear(head.path, states(batch, at, lastTokens(batch, padToken)));
      },
    };
  }
  return {
    ...common,
    apply: (batch, at) => at.linear(head.path, checked(batch, at)).reshape([...batch.inputIds.shape, model.outputSize]),
    linearHead: { path: head.path, states: checked },
  };
}
