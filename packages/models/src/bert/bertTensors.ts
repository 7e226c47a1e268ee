import type { StoredTensor } from '@peft/checkpoint';
import type { BertConfig } from './bertConfig.ts';

type Tensors = ReadonlyMap<string, StoredTensor>;

/** Modules of other tasks, and buffers that old versions of transformers saved. */
const unread: Readonly<Record<BertConfig['task'], RegExp>> = {
  classification: /^(?:cls|qa_outputs)\.|^bert\.embeddings\.(?:position_ids|token_type_ids)$/,
  maskedLanguage:
    /^(?:cls\.seq_relationship|classifier|qa_outputs|bert\.pooler)\.|^bert\.embeddings\.(?:position_ids|token_type_ids)$/,
  encoder: /^(?:cls|classifier|qa_outputs)\.|^embeddings\.(?:position_ids|token_type_ids)$/,
};

/**
 * A folder's tensors by the names of a BERT for this task: norms that were once called gamma and beta, encoders with or
 * without `bert.` in front, and without what belongs to other tasks.
 */
export function bertTensors(tensors: Tensors, task: BertConfig['task']): Tensors {
  const renamed = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    const path = pathOf(name, task);
    if (unread[task].test(path)) continue;
    // Two tensors of one path: the second keeps its own name, and is reported as one too many.
    renamed.set(path !== name && (tensors.has(path) || renamed.has(path)) ? name : path, tensor);
  }
  return renamed;
}

/** The name in files of a parameter of a BERT. */
export function bertFileName(path: string): string {
  return path === 'cls.predictions.decoder.bias' ? 'cls.predictions.bias' : path;
}

function pathOf(name: string, task: BertConfig['task']): string {
  const today = name
    .replace(/LayerNorm\.gamma$/, 'LayerNorm.weight')
    .replace(/LayerNorm\.beta$/, 'LayerNorm.bias')
    .replace(/^cls\.predictions\.bias$/, 'cls.predictions.decoder.bias');
  return task === 'encoder'
    ? today.replace(/^bert\./, '')
    : today.replace(/^(?=(?:embeddings|encoder|pooler)\.)/, 'bert.');
}
