import type { ModelParameter } from '@peft/checkpoint';
import type { Target } from '@peft/core';

type HeadConfig = {
  readonly task: 'causalLanguage' | 'classification';
  readonly vocabulary: number;
  readonly labels: number;
  readonly isTied: boolean;
  /** Width of what the head reads. */
  readonly hiddenSize: number;
};

type HeadPaths = { readonly languageHead: string; readonly classifier: string };

/** A decoder's last layer, without a bias: logits of the next token by a weight [vocabulary, in], or those of classes. */
export function headOf(
  { languageHead, classifier }: HeadPaths,
  { task, vocabulary, labels, isTied, hiddenSize }: HeadConfig,
): {
  readonly target: Target;
  readonly outputSize: number;
  /** As files have it. */
  readonly parameters: ReadonlyMap<string, ModelParameter>;
} {
  if (task === 'classification') {
    const shape = [hiddenSize, labels];
    return {
      target: { path: classifier, kind: 'dense', shape },
      outputSize: labels,
      parameters: new Map([[`${classifier}.weight`, { shape, inputAxes: [hiddenSize] }]]),
    };
  }
  const shape = [vocabulary, hiddenSize];
  return {
    target: { path: languageHead, kind: 'transposed-dense', shape },
    outputSize: vocabulary,
    parameters: new Map(isTied ? [] : [[`${languageHead}.weight`, { shape }]]),
  };
}
