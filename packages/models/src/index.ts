export { bert } from './bert/bert.ts';
export type { BertBatch } from './bert/bertBatch.ts';
export { freshBertWeights } from './bert/freshBertWeights.ts';
export { families } from './families.ts';
export type { Family } from './family.ts';
export { type LoadOptions, loadPretrained, type PretrainedModel } from './loadPretrained.ts';
export { saveModel } from './saveModel.ts';
export { freshVitWeights } from './vit/freshVitWeights.ts';
export { type VitBatch, vit } from './vit/vit.ts';
