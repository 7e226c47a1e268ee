import { decoderTensors } from '../decoder/decoderTensors.ts';
import type { Family } from '../family.ts';
import { opt } from './opt.ts';
import { type OptConfig, readOptConfig } from './optConfig.ts';
import { optHead, optParameters, optTie } from './optParameters.ts';

const unread: Readonly<Record<OptConfig['task'], RegExp>> = {
  causalLanguage: /^(?:score|qa_outputs)\./,
  classification: /^(?:lm_head|qa_outputs)\./,
};

/** OPTForCausalLM and OPTForSequenceClassification. */
export const optFamily: Family = {
  model: opt,
  parameters: (config) => optParameters(readOptConfig(config)),
  head: (config) => [optHead(readOptConfig(config)).target.path],
  tie: (config) => optTie(readOptConfig(config)),
  parted: (config) => ({ ...config, tie_word_embeddings: false }),
  rename: (tensors, config) =>
    decoderTensors(tensors, { prefix: 'model.', bare: /^decoder\./, unread: unread[readOptConfig(config).task] }),
};
