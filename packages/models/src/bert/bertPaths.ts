import type { BertConfig } from './bertConfig.ts';

/** Where the modules of a BERT are, by the names in Hugging Face files: a bare encoder has no `bert.` before them. */
export function bertPaths({ task }: Pick<BertConfig, 'task'>) {
  const prefix = task === 'encoder' ? '' : 'bert.';
  const embeddings = `${prefix}embeddings`;
  const head = 'cls.predictions';
  return {
    words: `${embeddings}.word_embeddings`,
    positions: `${embeddings}.position_embeddings`,
    tokenTypes: `${embeddings}.token_type_embeddings`,
    embeddingNorm: `${embeddings}.LayerNorm`,
    pooler: `${prefix}pooler`,
    poolerDense: `${prefix}pooler.dense`,
    classifier: 'classifier',
    wordHead: head,
    wordHeadDense: `${head}.transform.dense`,
    wordHeadNorm: `${head}.transform.LayerNorm`,
    decoder: `${head}.decoder`,
    layer(index: number) {
      const layer = `${prefix}encoder.layer.${index}`;
      return {
        query: `${layer}.attention.self.query`,
        key: `${layer}.attention.self.key`,
        value: `${layer}.attention.self.value`,
        attentionOutput: `${layer}.attention.output.dense`,
        attentionNorm: `${layer}.attention.output.LayerNorm`,
        intermediate: `${layer}.intermediate.dense`,
        output: `${layer}.output.dense`,
        outputNorm: `${layer}.output.LayerNorm`,
      };
    },
  };
}
