/** A model that can be measured: a Hugging Face config.json of real shapes, which both sides build with random weights. */
export type BenchedModel = {
  readonly title: string;
  readonly architecture: 'sequence-classification' | 'causal-lm';
  /** As Python reads it; no dropout of the model's own, on either side. */
  readonly config: Readonly<Record<string, unknown>> & { readonly model_type: string; readonly vocab_size: number };
  /** Suffixes adapted unless --targets says otherwise. */
  readonly targets: readonly string[];
  /** Modules trained whole: a head that starts from nothing. */
  readonly modulesToSave: readonly string[];
};

function bert(
  title: string,
  size: { layers: number; hidden: number; heads: number; vocabulary: number },
): BenchedModel {
  return {
    title,
    architecture: 'sequence-classification',
    config: {
      model_type: 'bert',
      architectures: ['BertForSequenceClassification'],
      vocab_size: size.vocabulary,
      hidden_size: size.hidden,
      num_hidden_layers: size.layers,
      num_attention_heads: size.heads,
      intermediate_size: 4 * size.hidden,
      hidden_act: 'gelu',
      hidden_dropout_prob: 0,
      attention_probs_dropout_prob: 0,
      classifier_dropout: 0,
      max_position_embeddings: 512,
      type_vocab_size: 2,
      layer_norm_eps: 1e-12,
      initializer_range: 0.02,
      pad_token_id: 0,
      num_labels: 2,
    },
    targets: ['query', 'value'],
    modulesToSave: ['classifier'],
  };
}

function gpt2(
  title: string,
  size: { layers: number; hidden: number; heads: number; vocabulary: number },
): BenchedModel {
  return {
    title,
    architecture: 'causal-lm',
    config: {
      model_type: 'gpt2',
      architectures: ['GPT2LMHeadModel'],
      vocab_size: size.vocabulary,
      n_positions: 1024,
      n_embd: size.hidden,
      n_layer: size.layers,
      n_head: size.heads,
      activation_function: 'gelu_new',
      resid_pdrop: 0,
      embd_pdrop: 0,
      attn_pdrop: 0,
      layer_norm_epsilon: 1e-5,
      initializer_range: 0.02,
      bos_token_id: 2,
      eos_token_id: 2,
    },
    targets: ['c_attn'],
    modulesToSave: [],
  };
}

function opt(title: string, size: { layers: number; hidden: number; heads: number; vocabulary: number }): BenchedModel {
  return {
    title,
    architecture: 'causal-lm',
    config: {
      model_type: 'opt',
      architectures: ['OPTForCausalLM'],
      vocab_size: size.vocabulary,
      max_position_embeddings: 2048,
      hidden_size: size.hidden,
      word_embed_proj_dim: size.hidden,
      num_hidden_layers: size.layers,
      num_attention_heads: size.heads,
      ffn_dim: 4 * size.hidden,
      activation_function: 'relu',
      do_layer_norm_before: true,
      dropout: 0,
      attention_dropout: 0,
      activation_dropout: 0,
      layerdrop: 0,
      init_std: 0.02,
      pad_token_id: 1,
      bos_token_id: 2,
      eos_token_id: 2,
    },
    targets: ['q_proj', 'v_proj'],
    modulesToSave: [],
  };
}

function llama(
  title: string,
  size: { layers: number; hidden: number; heads: number; intermediate: number; vocabulary: number },
): BenchedModel {
  return {
    title,
    architecture: 'causal-lm',
    config: {
      model_type: 'llama',
      architectures: ['LlamaForCausalLM'],
      vocab_size: size.vocabulary,
      max_position_embeddings: 4096,
      hidden_size: size.hidden,
      intermediate_size: size.intermediate,
      num_hidden_layers: size.layers,
      num_attention_heads: size.heads,
      num_key_value_heads: size.heads,
      hidden_act: 'silu',
      rms_norm_eps: 1e-5,
      attention_dropout: 0,
      tie_word_embeddings: false,
      initializer_range: 0.02,
      bos_token_id: 1,
      eos_token_id: 2,
    },
    targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
    modulesToSave: [],
  };
}

/** Every model by its name on the command line. The tiny ones try the harness out; their figures mean nothing. */
export const benchedModels: Readonly<Record<string, BenchedModel>> = {
  'bert-base': bert('BERT-base', { layers: 12, hidden: 768, heads: 12, vocabulary: 30522 }),
  minilm: bert('MiniLM-L6', { layers: 6, hidden: 384, heads: 12, vocabulary: 30522 }),
  gpt2: gpt2('GPT-2 124M', { layers: 12, hidden: 768, heads: 12, vocabulary: 50257 }),
  'opt-125m': opt('OPT-125M', { layers: 12, hidden: 768, heads: 12, vocabulary: 50272 }),
  'opt-1.3b': opt('OPT-1.3B', { layers: 24, hidden: 2048, heads: 32, vocabulary: 50272 }),
  'llama-2-7b': llama('Llama-2-7B', { layers: 32, hidden: 4096, heads: 32, intermediate: 11_008, vocabulary: 32_000 }),
  'bert-tiny': bert('BERT, tiny', { layers: 2, hidden: 64, heads: 2, vocabulary: 997 }),
  'gpt2-tiny': gpt2('GPT-2, tiny', { layers: 2, hidden: 64, heads: 2, vocabulary: 997 }),
  'opt-tiny': opt('OPT, tiny', { layers: 2, hidden: 64, heads: 2, vocabulary: 997 }),
  'llama-tiny': llama('Llama, tiny', { layers: 2, hidden: 64, heads: 2, intermediate: 96, vocabulary: 997 }),
};
