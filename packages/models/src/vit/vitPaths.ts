/** Where the modules of ViTForImageClassification are, by the names in Hugging Face files. */
export const vitPaths = {
  classToken: 'vit.embeddings.cls_token',
  positions: 'vit.embeddings.position_embeddings',
  patches: 'vit.embeddings.patch_embeddings.projection',
  norm: 'vit.layernorm',
  classifier: 'classifier',
  layer(index: number) {
    const layer = `vit.encoder.layer.${index}`;
    return {
      normBefore: `${layer}.layernorm_before`,
      query: `${layer}.attention.attention.query`,
      key: `${layer}.attention.attention.key`,
      value: `${layer}.attention.attention.value`,
      attentionOutput: `${layer}.attention.output.dense`,
      normAfter: `${layer}.layernorm_after`,
      intermediate: `${layer}.intermediate.dense`,
      output: `${layer}.output.dense`,
    };
  },
} as const;
