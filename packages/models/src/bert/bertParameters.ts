import type { ModelParameter } from '@peft/checkpoint';
import type { Target } from '@peft/core';
import type { Tie } from '../tiedHead.ts';
import type { BertConfig } from './bertConfig.ts';
import { bertPaths } from './bertPaths.ts';

/** Every parameter that a file holds of a BERT; the word head's weight is the table of words. */
export function bertParameters(config: BertConfig): ReadonlyMap<string, ModelParameter> {
  const { hiddenSize, vocabulary, task } = config;
  const paths = bertPaths(config);
  const parameters = new Map<string, ModelParameter>();
  const norm = (path: string) => {
    parameters.set(`${path}.weight`, { shape: [hiddenSize] });
    parameters.set(`${path}.bias`, { shape: [hiddenSize] });
  };
  for (const { path, shape } of tablesOf(config)) parameters.set(`${path}.weight`, { shape });
  norm(paths.embeddingNorm);
  for (const { path, shape } of linearsOf(config)) {
    parameters.set(`${path}.weight`, { shape, inputAxes: [shape[0]] });
    parameters.set(`${path}.bias`, { shape: [shape[1]] });
  }
  for (let layer = 0; layer < config.layers; layer++) {
    norm(paths.layer(layer).attentionNorm);
    norm(paths.layer(layer).outputNorm);
  }
  if (task === 'maskedLanguage') {
    norm(paths.wordHeadNorm);
    parameters.set(`${paths.decoder}.bias`, { shape: [vocabulary] });
  }
  return parameters;
}

/** What may be adapted, in the order of the forward pass: tables and linear layers, but no pooler that nothing reads. */
export function bertTargets(config: BertConfig): readonly Target[] {
  const { decoder, poolerDense } = bertPaths(config);
  const head = { path: decoder, kind: 'transposed-dense', shape: [config.vocabulary, config.hiddenSize] };
  return [
    ...tablesOf(config).map((table) => ({ ...table, kind: 'embedding' })),
    ...linearsOf(config).map((linear) => ({ ...linear, kind: 'dense' })),
    ...(config.task === 'maskedLanguage' ? [head] : []),
  ].filter(({ path }) => config.task !== 'encoder' || path !== poolerDense);
}

/** The word head and the table it shares its weight with, where there is one. */
export function bertTie(config: BertConfig): Tie | undefined {
  const { decoder, words } = bertPaths(config);
  return config.task === 'maskedLanguage' ? { head: `${decoder}.weight`, table: `${words}.weight` } : undefined;
}

type Shape = readonly [number, number];

function tablesOf(config: BertConfig): readonly { readonly path: string; readonly shape: Shape }[] {
  const { words, positions, tokenTypes } = bertPaths(config);
  return [
    { path: words, shape: [config.vocabulary, config.hiddenSize] },
    { path: positions, shape: [config.positions, config.hiddenSize] },
    { path: tokenTypes, shape: [config.tokenTypes, config.hiddenSize] },
  ];
}

/** Every linear layer, [in, out]. */
function linearsOf(config: BertConfig): readonly { readonly path: string; readonly shape: Shape }[] {
  const { hiddenSize, intermediateSize, labels, task } = config;
  const paths = bertPaths(config);
  const linear = (path: string, fanIn: number, fanOut: number) => ({ path, shape: [fanIn, fanOut] as const });
  const square = (path: string) => linear(path, hiddenSize, hiddenSize);
  const layers = Array.from({ length: config.layers }, (_, index) => {
    const layer = paths.layer(index);
    return [
      square(layer.query),
      square(layer.key),
      square(layer.value),
      square(layer.attentionOutput),
      linear(layer.intermediate, hiddenSize, intermediateSize),
      linear(layer.output, intermediateSize, hiddenSize),
    ];
  });
  const head = {
    classification: [square(paths.poolerDense), linear(paths.classifier, hiddenSize, labels)],
    maskedLanguage: [square(paths.wordHeadDense)],
    encoder: [square(paths.poolerDense)],
  }[task];
  return [...layers.flat(), ...head];
}
