/** Where the modules of an OPT are, by the names in Hugging Face files. */
export const optPaths = {
  tokens: 'model.decoder.embed_tokens',
  positions: 'model.decoder.embed_positions.weight',
  projectIn: 'model.decoder.project_in',
  projectOut: 'model.decoder.project_out',
  norm: 'model.decoder.final_layer_norm',
  languageHead: 'lm_head',
  classifier: 'score',
  layer(index: number) {
    const layer = `model.decoder.layers.${index}`;
    return {
      query: `${layer}.self_attn.q_proj`,
      key: `${layer}.self_attn.k_proj`,
      value: `${layer}.self_attn.v_proj`,
      attentionOutput: `${layer}.self_attn.out_proj`,
      attentionNorm: `${layer}.self_attn_layer_norm`,
      intermediate: `${layer}.fc1`,
      output: `${layer}.fc2`,
      outputNorm: `${layer}.final_layer_norm`,
    };
  },
} as const;
