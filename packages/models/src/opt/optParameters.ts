import type { ModelParameter } from '@peft/checkpoint';
import type { Target } from '@peft/core';
import { headOf } from '../decoder/headOf.ts';
import type { Tie } from '../tiedHead.ts';
import type { OptConfig } from './optConfig.ts';
import { optPaths } from './optPaths.ts';

/** Positions begin after two rows of the table that nothing but padding reads. */
export const positionOffset = 2;

/** Every parameter of an OPT, by the name it has in a Hugging Face file; a tied head has none of its own there. */
export function optParameters(config: OptConfig): ReadonlyMap<string, ModelParameter> {
  const { hiddenSize, hasFinalNorm } = config;
  const parameters = new Map<string, ModelParameter>();
  const norm = (path: string) => {
    parameters.set(`${path}.weight`, { shape: [hiddenSize] });
    parameters.set(`${path}.bias`, { shape: [hiddenSize] });
  };
  parameters.set(`${optPaths.tokens}.weight`, { shape: [config.vocabulary, config.embeddingSize] });
  parameters.set(optPaths.positions, { shape: [config.positions + positionOffset, hiddenSize] });
  for (const { path, shape, hasBias } of linearsOf(config)) {
    parameters.set(`${path}.weight`, { shape, inputAxes: [shape[0]] });
    if (hasBias) parameters.set(`${path}.bias`, { shape: [shape[1]] });
  }
  for (let layer = 0; layer < config.layers; layer++) {
    norm(optPaths.layer(layer).attentionNorm);
    norm(optPaths.layer(layer).outputNorm);
  }
  if (hasFinalNorm) norm(optPaths.norm);
  for (const [path, parameter] of optHead(config).parameters) parameters.set(path, parameter);
  return parameters;
}

/**
 * What may be adapted, in the order of the forward pass: the token table, linear layers and the head. The position table
 * is none: in Python it counts its own positions, and an adapter of PEFT looks up the wrong ones.
 */
export function optTargets(config: OptConfig): readonly Target[] {
  return [
    { path: optPaths.tokens, kind: 'embedding', shape: [config.vocabulary, config.embeddingSize] },
    ...linearsOf(config).map(({ path, shape }) => ({ path, kind: 'dense', shape })),
    optHead(config).target,
  ];
}

/** The last layer, which reads states as wide as the token table. */
export function optHead(config: OptConfig): ReturnType<typeof headOf> {
  return headOf(optPaths, { ...config, hiddenSize: config.embeddingSize });
}

/** The head and the table it shares its weight with, where it does. */
export function optTie({ task, isTied }: OptConfig): Tie | undefined {
  const { languageHead, tokens } = optPaths;
  return task === 'causalLanguage' && isTied
    ? { head: `${languageHead}.weight`, table: `${tokens}.weight` }
    : undefined;
}

type Linear = { readonly path: string; readonly shape: readonly [number, number]; readonly hasBias: boolean };

/** Every linear layer but the head, [in, out]. */
function linearsOf(config: OptConfig): readonly Linear[] {
  const { layers, hiddenSize, embeddingSize, intermediateSize } = config;
  const linear = (path: string, [fanIn, fanOut]: Linear['shape'], hasBias = config.hasBias): Linear => ({
    path,
    shape: [fanIn, fanOut],
    hasBias,
  });
  const isProjected = embeddingSize !== hiddenSize;
  const inside = Array.from({ length: layers }, (_, index) => {
    const { query, key, value, attentionOutput, intermediate, output } = optPaths.layer(index);
    return [
      ...[query, key, value, attentionOutput].map((path) => linear(path, [hiddenSize, hiddenSize])),
      linear(intermediate, [hiddenSize, intermediateSize]),
      linear(output, [intermediateSize, hiddenSize]),
    ];
  });
  return [
    ...(isProjected ? [linear(optPaths.projectIn, [embeddingSize, hiddenSize], false)] : []),
    ...inside.flat(),
    ...(isProjected ? [linear(optPaths.projectOut, [hiddenSize, embeddingSize], false)] : []),
  ];
}
