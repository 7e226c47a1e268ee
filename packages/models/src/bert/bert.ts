import type { Model, Weights } from '@peft/core';
import { checkWeights } from '../checkWeights.ts';
import { tiesOf, withTiedHead } from '../tiedHead.ts';
import type { BertBatch } from './bertBatch.ts';
import { readBertConfig } from './bertConfig.ts';
import { bertHeads } from './bertHeads.ts';
import { bertParameters, bertTargets, bertTie } from './bertParameters.ts';
import { bertPaths } from './bertPaths.ts';

const column = { dtype: 'int32', shape: ['batch', 'sequence'] } as const;

/**
 * A BERT (Devlin et al. 2019) as transformers computes it. `architectures` says which: BertForSequenceClassification
 * gives logits [sequences, labels], BertForMaskedLM logits [sequences, length, vocabulary], BertModel hidden states
 * [sequences, length, hidden].
 * @param config config.json, in Python's names.
 * @param weights as `loadPretrained` and `freshBertWeights` give them: dense weights [in, out].
 * @throws PeftError `model/config`, `model/weights`
 */
export function bert(config: Readonly<Record<string, unknown>>, weights: Weights): Model<BertBatch> {
  const geometry = readBertConfig(config);
  const parameters = bertParameters(geometry);
  const tie = bertTie(geometry);
  const all = tie ? withTiedHead(weights, tie) : weights;
  checkWeights(
    all,
    tie ? new Map([...parameters, [tie.head, parameters.get(tie.table) ?? { shape: [] }]]) : parameters,
  );
  return {
    targets: bertTargets(geometry),
    weights: all,
    inputEmbedding: bertPaths(geometry).words,
    ...tiesOf(tie),
    inputs: { inputIds: column, attentionMask: column, tokenTypeIds: column },
    ...bertHeads[geometry.task](geometry),
  };
}
