import type { Family } from '../family.ts';
import { bert } from './bert.ts';
import { readBertConfig } from './bertConfig.ts';
import { bertParameters, bertTie } from './bertParameters.ts';
import { bertPaths } from './bertPaths.ts';
import { bertFileName, bertTensors } from './bertTensors.ts';

/** BertForSequenceClassification, BertForMaskedLM and BertModel. */
export const bertFamily: Family = {
  model: bert,
  parameters: (config) => bertParameters(readBertConfig(config)),
  head(config) {
    const geometry = readBertConfig(config);
    const { pooler, classifier, wordHead } = bertPaths(geometry);
    return { classification: [pooler, classifier], maskedLanguage: [wordHead], encoder: [pooler] }[geometry.task];
  },
  rename: (tensors, config) => bertTensors(tensors, readBertConfig(config).task),
  fileName: bertFileName,
  tie: (config) => bertTie(readBertConfig(config)),
};
