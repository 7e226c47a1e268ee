import type { ModelParameter } from '@peft/checkpoint';
import type { Target } from '@peft/core';
import { headOf } from '../decoder/headOf.ts';
import type { Tie } from '../tiedHead.ts';
import type { LlamaConfig } from './llamaConfig.ts';
import { llamaPaths } from './llamaPaths.ts';

/** Every parameter of a Llama, by the name it has in a Hugging Face file; a tied head has none of its own there. */
export function llamaParameters(config: LlamaConfig): ReadonlyMap<string, ModelParameter> {
  const parameters = new Map<string, ModelParameter>();
  parameters.set(`${llamaPaths.tokens}.weight`, { shape: [config.vocabulary, config.hiddenSize] });
  for (const { path, shape, hasBias } of linearsOf(config)) {
    parameters.set(`${path}.weight`, { shape, inputAxes: [shape[0]] });
    if (hasBias) parameters.set(`${path}.bias`, { shape: [shape[1]] });
  }
  const norms = Array.from({ length: config.layers }, (_, index) => {
    const { attentionNorm, outputNorm } = llamaPaths.layer(index);
    return [attentionNorm, outputNorm];
  });
  for (const path of [...norms.flat(), llamaPaths.norm]) {
    parameters.set(`${path}.weight`, { shape: [config.hiddenSize] });
  }
  for (const [path, parameter] of llamaHead(config).parameters) parameters.set(path, parameter);
  return parameters;
}

/** What may be adapted, in the order of the forward pass: the token table, linear layers and the head. */
export function llamaTargets(config: LlamaConfig): readonly Target[] {
  return [
    { path: llamaPaths.tokens, kind: 'embedding', shape: [config.vocabulary, config.hiddenSize] },
    ...linearsOf(config).map(({ path, shape }) => ({ path, kind: 'dense', shape })),
    llamaHead(config).target,
  ];
}

/** The last layer. */
export function llamaHead(config: LlamaConfig): ReturnType<typeof headOf> {
  return headOf(llamaPaths, config);
}

/** The head and the table it shares its weight with, where it does. */
export function llamaTie({ task, isTied }: LlamaConfig): Tie | undefined {
  const { languageHead, tokens } = llamaPaths;
  return task === 'causalLanguage' && isTied
    ? { head: `${languageHead}.weight`, table: `${tokens}.weight` }
    : undefined;
}

type Linear = { readonly path: string; readonly shape: readonly [number, number]; readonly hasBias: boolean };

/** Every linear layer but the head, [in, out]. */
function linearsOf(config: LlamaConfig): readonly Linear[] {
  const { layers, hiddenSize, heads, keyHeads, headSize, intermediateSize, hasAttentionBias, hasMlpBias } = config;
  const attending = (path: string, ...shape: Linear['shape']): Linear => ({ path, shape, hasBias: hasAttentionBias });
  const feeding = (path: string, ...shape: Linear['shape']): Linear => ({ path, shape, hasBias: hasMlpBias });
  return Array.from({ length: layers }, (_, index) => {
    const { query, key, value, attentionOutput, gate, up, down } = llamaPaths.layer(index);
    return [
      attending(query, hiddenSize, heads * headSize),
      attending(key, hiddenSize, keyHeads * headSize),
      attending(value, hiddenSize, keyHeads * headSize),
      attending(attentionOutput, heads * headSize, hiddenSize),
      feeding(gate, hiddenSize, intermediateSize),
      feeding(up, hiddenSize, intermediateSize),
      feeding(down, intermediateSize, hiddenSize),
    ];
  }).flat();
}
