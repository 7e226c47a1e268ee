/** Where the modules of a GPT-2 are, by the names in Hugging Face files. */
export const gpt2Paths = {
  tokens: 'transformer.wte',
  positions: 'transformer.wpe',
  norm: 'transformer.ln_f',
  languageHead: 'lm_head',
  classifier: 'score',
  layer(index: number) {
    const layer = `transformer.h.${index}`;
    return {
      attentionNorm: `${layer}.ln_1`,
      queryKeyValue: `${layer}.attn.c_attn`,
      attentionOutput: `${layer}.attn.c_proj`,
      outputNorm: `${layer}.ln_2`,
      intermediate: `${layer}.mlp.c_fc`,
      output: `${layer}.mlp.c_proj`,
    };
  },
} as const;
