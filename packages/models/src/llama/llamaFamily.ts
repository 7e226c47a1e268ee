import { decoderTensors } from '../decoder/decoderTensors.ts';
import type { Family } from '../family.ts';
import { llama } from './llama.ts';
import { type LlamaConfig, readLlamaConfig } from './llamaConfig.ts';
import { llamaHead, llamaParameters, llamaTie } from './llamaParameters.ts';

// Old versions of transformers saved the frequencies of the rotary embedding in every layer.
const unread: Readonly<Record<LlamaConfig['task'], RegExp>> = {
  causalLanguage: /^(?:score|qa_outputs)\.|\.rotary_emb\.inv_freq$/,
  classification: /^(?:lm_head|qa_outputs)\.|\.rotary_emb\.inv_freq$/,
};

/** LlamaForCausalLM and LlamaForSequenceClassification. */
export const llamaFamily: Family = {
  model: llama,
  parameters: (config) => llamaParameters(readLlamaConfig(config)),
  head: (config) => [llamaHead(readLlamaConfig(config)).target.path],
  tie: (config) => llamaTie(readLlamaConfig(config)),
  parted: (config) => ({ ...config, tie_word_embeddings: false }),
  rename: (tensors, config) =>
    decoderTensors(tensors, {
      prefix: 'model.',
      bare: /^(?:embed_tokens|layers|norm)\./,
      unread: unread[readLlamaConfig(config).task],
    }),
};
