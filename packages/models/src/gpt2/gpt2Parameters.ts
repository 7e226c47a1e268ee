import type { ModelParameter } from '@peft/checkpoint';
import type { Target } from '@peft/core';
import { headOf } from '../decoder/headOf.ts';
import type { Tie } from '../tiedHead.ts';
import type { Gpt2Config } from './gpt2Config.ts';
import { gpt2Paths } from './gpt2Paths.ts';

/** Every parameter of a GPT-2, by the name it has in a Hugging Face file; a tied head has none of its own there. */
export function gpt2Parameters(config: Gpt2Config): ReadonlyMap<string, ModelParameter> {
  const { hiddenSize } = config;
  const parameters = new Map<string, ModelParameter>();
  const norm = (path: string) => {
    parameters.set(`${path}.weight`, { shape: [hiddenSize] });
    parameters.set(`${path}.bias`, { shape: [hiddenSize] });
  };
  for (const { path, shape } of tablesOf(config)) parameters.set(`${path}.weight`, { shape });
  for (const { path, shape } of linearsOf(config)) {
    // A Conv1D of transformers keeps its weight [in, out].
    parameters.set(`${path}.weight`, { shape });
    parameters.set(`${path}.bias`, { shape: [shape[1] as number] });
  }
  for (let layer = 0; layer < config.layers; layer++) {
    norm(gpt2Paths.layer(layer).attentionNorm);
    norm(gpt2Paths.layer(layer).outputNorm);
  }
  norm(gpt2Paths.norm);
  for (const [path, parameter] of headOf(gpt2Paths, config).parameters) parameters.set(path, parameter);
  return parameters;
}

/** What may be adapted, in the order of the forward pass: tables, linear layers and the head. */
export function gpt2Targets(config: Gpt2Config): readonly Target[] {
  return [
    ...tablesOf(config).map((table) => ({ ...table, kind: 'embedding' })),
    ...linearsOf(config).map((linear) => ({ ...linear, kind: 'dense', fanInFanOut: true })),
    headOf(gpt2Paths, config).target,
  ];
}

/** The head and the table it shares its weight with, where it does. */
export function gpt2Tie({ task, isTied }: Gpt2Config): Tie | undefined {
  const { languageHead, tokens } = gpt2Paths;
  return task === 'causalLanguage' && isTied
    ? { head: `${languageHead}.weight`, table: `${tokens}.weight` }
    : undefined;
}

type Shaped = Pick<Target, 'path' | 'shape'>;

function tablesOf({ vocabulary, positions, hiddenSize }: Gpt2Config): readonly Shaped[] {
  return [
    { path: gpt2Paths.tokens, shape: [vocabulary, hiddenSize] },
    { path: gpt2Paths.positions, shape: [positions, hiddenSize] },
  ];
}

function linearsOf({ layers, hiddenSize, intermediateSize }: Gpt2Config): readonly Shaped[] {
  return Array.from({ length: layers }, (_, index) => gpt2Paths.layer(index)).flatMap((layer) => [
    { path: layer.queryKeyValue, shape: [hiddenSize, 3 * hiddenSize] },
    { path: layer.attentionOutput, shape: [hiddenSize, hiddenSize] },
    { path: layer.intermediate, shape: [hiddenSize, intermediateSize] },
    { path: layer.output, shape: [intermediateSize, hiddenSize] },
  ]);
}
