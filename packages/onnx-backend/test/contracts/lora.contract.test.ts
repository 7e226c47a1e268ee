import { strategyLaws } from '@peft/core/testing';
import { type LoraOptions, lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, it } from 'vitest';
import { onnxEngine } from '../../src/index.ts';

const strategies: readonly (readonly [name: string, options: LoraOptions])[] = [
  ['the defaults', {}],
  ['dropout', { rank: 3, alpha: 5, dropout: 0.2 }],
  [
    'rsLoRA, gaussian and patterns',
    { rank: 4, rsLora: true, init: 'gaussian', rankPattern: { query: 2 }, alphaPattern: { '^embed': 3 } },
  ],
  ['DoRA', { rank: 3, alpha: 6, dora: true }],
  ['DoRA with dropout', { rank: 2, dora: true, dropout: 0.2 }],
];
beforeAll(async () => {
  await tf.setBackend('wasm');
});
describe.each(strategies)('lora with %s', (_name, options) => {
  for (const law of strategyLaws(() => lora(options), { run: { engine: onnxEngine() } })) it(law.name, law.check);
});
