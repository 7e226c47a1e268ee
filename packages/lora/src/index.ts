export { type LoraStrategy, lora, loraFileFormat } from './lora.ts';
export type { LoraInit, LoraOptions } from './loraOptions.ts';
export type { LoraFactors, LoraParams, LoraState } from './loraParams.ts';
