import { adamw, fineTune } from '@peft/core';
import { toyTransformers } from '@peft/engines';
import { lora } from '@peft/lora';
import type { RecordedEngine } from './recordedEngine.ts';

/** Three steps of LoRA on every linear layer and embedding of a toy model; then the engine gives its device back. */
export async function trainRecorded(name: string, { engine }: RecordedEngine): Promise<void> {
  const make = toyTransformers[name];
  if (make === undefined) throw new Error(`there is no toy model ${name}.`);
  const { model, loss, batch } = make();
  const run = fineTune(model, {
    strategy: lora({ rank: 2 }),
    targets: model.targets.map(({ path }) => path),
    loss,
    data: { batchesPerEpoch: 3, batches: () => [batch, batch, batch] },
    steps: 3,
    optimizer: adamw(),
    schedule: 1e-3,
    seed: 2,
    progress: false,
    onWarning: () => {},
    engine,
  });
  (await run.result).dispose();
  model.weights.dispose();
  engine.dispose();
  // The device is closed once the promise of its opening has called back.
  await new Promise((resolve) => setImmediate(resolve));
}
