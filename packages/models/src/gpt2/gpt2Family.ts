import { decoderTensors } from '../decoder/decoderTensors.ts';
import { headOf } from '../decoder/headOf.ts';
import type { Family } from '../family.ts';
import { gpt2 } from './gpt2.ts';
import { type Gpt2Config, readGpt2Config } from './gpt2Config.ts';
import { gpt2Parameters, gpt2Tie } from './gpt2Parameters.ts';
import { gpt2Paths } from './gpt2Paths.ts';

const unread: Readonly<Record<Gpt2Config['task'], RegExp>> = {
  causalLanguage: /\.attn\.(?:masked_)?bias$|^score\./,
  classification: /\.attn\.(?:masked_)?bias$|^lm_head\./,
};

/** GPT2LMHeadModel and GPT2ForSequenceClassification. */
export const gpt2Family: Family = {
  model: gpt2,
  parameters: (config) => gpt2Parameters(readGpt2Config(config)),
  head: (config) => [headOf(gpt2Paths, readGpt2Config(config)).target.path],
  tie: (config) => gpt2Tie(readGpt2Config(config)),
  parted: (config) => ({ ...config, tie_word_embeddings: false }),
  rename: (tensors, config) =>
    decoderTensors(tensors, {
      prefix: 'transformer.',
      bare: /^(?:wte|wpe|h|ln_f)\./,
      unread: unread[readGpt2Config(config).task],
    }),
};
