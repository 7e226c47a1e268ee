/** Where the modules of a Llama are, by the names in Hugging Face files. */
export const llamaPaths = {
  tokens: 'model.embed_tokens',
  norm: 'model.norm',
  languageHead: 'lm_head',
  classifier: 'score',
  layer(index: number) {
    const layer = `model.layers.${index}`;
    return {
      query: `${layer}.self_attn.q_proj`,
      key: `${layer}.self_attn.k_proj`,
      value: `${layer}.self_attn.v_proj`,
      attentionOutput: `${layer}.self_attn.o_proj`,
      attentionNorm: `${layer}.input_layernorm`,
      gate: `${layer}.mlp.gate_proj`,
      up: `${layer}.mlp.up_proj`,
      down: `${layer}.mlp.down_proj`,
      outputNorm: `${layer}.post_attention_layernorm`,
    };
  },
} as const;
