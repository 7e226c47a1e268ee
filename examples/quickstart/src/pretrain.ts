// Trains the base from scratch on the digits 0 to 4 and writes it to base/: pnpm --filter @peft-examples/quickstart pretrain
import '@tensorflow/tfjs-backend-wasm';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { adamw, batches, classification, type DataSource, evaluate, fineTune, fold, mergeAdapter } from '@peft/core';
import { freshVitWeights, saveModel, vit } from '@peft/models';
import { cosine, warmup } from '@peft/schedulers';
import * as tf from '@tensorflow/tfjs';
import { baseCard } from './baseCard.ts';
import { baseConfig } from './baseConfig.ts';
import { digitColumns } from './digitColumns.ts';
import { readDigits } from './digits.ts';
import { shiftDigits } from './shiftDigits.ts';
import { splitDigits } from './splitDigits.ts';

const seed = 1;
const steps = 800;
const batchSize = 32;

await tf.setBackend('wasm');
const folder = fileURLToPath(new URL('../base', import.meta.url));
const digits = readDigits();
const split = splitDigits(digits, { from: 0, seed });
const columns = (rows: typeof digits) => batches(digitColumns(rows, 0), { batchSize: 128, shuffle: false });

// Every epoch sees the images anew, some moved by a pixel.
const shifted: DataSource = {
  batches: (epoch, orderSeed, skip) => {
    const moved = shiftDigits(split.train, fold(orderSeed, epoch));
    return batches(digitColumns(moved, 0), { batchSize, dropLast: true }).batches(epoch, orderSeed, skip);
  },
};

const model = { ...vit(baseConfig, freshVitWeights(baseConfig, seed)), config: baseConfig };
const began = performance.now();
const run = fineTune(model, {
  modulesToSave: ['vit', 'classifier'],
  loss: classification(),
  data: shifted,
  steps,
  optimizer: adamw({ weightDecay: 0.05 }),
  groups: [{ name: 'not decayed', match: /bias$|norm|token|position/, weightDecay: 0 }],
  schedule: warmup(50, cosine(1e-3)),
  maxGradientNorm: 1,
  seed,
  evaluation: { data: columns(split.validation), every: 100 },
});
for await (const event of run) {
  if (event.type === 'evaluation') console.log(`step ${event.step}  validation accuracy ${event.metrics.accuracy}`);
}
const { adapter } = await run.result;
const seconds = (performance.now() - began) / 1000;
const weights = await mergeAdapter(model, adapter);
const trained = { ...model, weights };
const accuracyOn = async (rows: typeof digits) =>
  (await evaluate(trained, { data: columns(rows), loss: classification() })).metrics.accuracy ?? Number.NaN;
const figures = {
  train: { images: split.train.length, accuracy: await accuracyOn(split.train) },
  validation: { images: split.validation.length, accuracy: await accuracyOn(split.validation) },
  test: { images: split.test.length, accuracy: await accuracyOn(split.test) },
};
await saveModel(folder, trained);
writeFileSync(`${folder}/README.md`, baseCard({ seed, steps, batchSize, figures }));
console.log(
  `${steps} steps in ${seconds.toFixed(1)} s, ${((1000 * seconds) / steps).toFixed(1)} ms a step with evaluation`,
);
console.log(figures);
