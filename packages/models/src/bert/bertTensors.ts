import type { StoredTensor } from '@peft/checkpoint';
import type { BertConfig } from './bertConfig.ts';

type Tensors = ReadonlyMap<string, StoredTensor>;

/** Modules of the encoder, which files of a bare encoder name without `bert.`. */
const encoderModule = /^(?:embeddings|encoder|pooler)\./;

/** Modules of other tasks, and buffers that old versions of transformers saved. */
const unread: Readonly<Record<BertConfig['task'], RegExp>> = {
  classification: /^(?:cls|qa_outputs)\.|^bert\.embeddings\.(?:position_ids|token_type_ids)$/,
  maskedLanguage:
    /^(?:cls\.seq_relationship|classifier|qa_outputs|bert\.pooler)\.|^bert\.embeddings\.(?:position_ids|token_type_ids)$/,
  encoder: /^(?:cls|classifier|qa_outputs)\.|^embeddings\.(?:position_ids|token_type_ids)$/,
};

/**
 * A folder's tensors by the names of a BERT for this task: norms that were once called gamma and beta, with or without
 * `bert.` in front, and without what belongs to other tasks.
 */
export function bertTensors(tensors: Tensors, task: BertConfig['task']): Tensors {
  const renamed = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    const path = placed(
      name.replace(/LayerNorm\.gamma$/, 'LayerNorm.weight').replace(/LayerNorm\.beta$/, 'LayerNorm.bias'),
      task,
    );
    if (unread[task].test(path)) continue;
    // Two tensors of one name: the second keeps its own, and is reported as one too many.
    renamed.set(path !== name && (tensors.has(path) || renamed.has(path)) ? name : path, tensor);
  }
  return renamed;
}

function placed(name: string, task: BertConfig['task']): string {
  if (task === 'encoder') return name.replace(/^bert\./, '');
  return encoderModule.test(name) ? `bert.${name}` : name;
}
