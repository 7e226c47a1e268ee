import { cola } from '@peft/cola';
import { type AnyStrategy, adamw, fineTune } from '@peft/core';
import { toyTransformers } from '@peft/engines';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import type { Finding, Section, SectionCall } from './section.ts';

/** Bytes that a step may leave behind after the warm-up, in the process or on the device. */
const mostBytes = 1024;

interface Sample {
  readonly step: number;
  readonly tensors: number;
  readonly residentBytes: number;
  readonly deviceBytes: number;
}

type Measured = { describe?(): Promise<{ readonly freeMemory?: number }> };

/** A chain of many links: tensors, resident memory and the memory of the device stay where they were. */
export const checkMemory: Section = {
  name: 'memory',
  async *run({ engineOf, isSmall, log }: SectionCall): AsyncIterable<Finding> {
    await tf.setBackend('cpu');
    const { model, loss, batch } = (toyTransformers['GPT-2, next words'] as (typeof toyTransformers)[string])();
    const [links, length] = isSmall ? [6, 10] : [20, 100];
    const engine = engineOf('float32');
    const samples: Promise<Sample>[] = [];
    const run = fineTune(model, {
      strategy: cola(lora({ rank: 2 }) as AnyStrategy, { links }),
      targets: ['c_attn'],
      loss,
      data: { batchesPerEpoch: 1, batches: () => [batch] },
      steps: links * length,
      keepLinks: false,
      optimizer: adamw(),
      schedule: 1e-3,
      seed: 1,
      progress: false,
      onWarning: () => {},
      engine,
      onEvent(event) {
        if (event.type === 'step' && event.step % length === length / 2) samples.push(sampleAt(event.step, engine));
      },
    });
    (await run.result).dispose();
    model.weights.dispose();
    const taken = await Promise.all(samples);
    const first = taken[Math.floor(taken.length / 2)] as Sample;
    const last = taken.at(-1) as Sample;
    const perStep = (from: number, to: number) => (to - from) / (last.step - first.step);
    const found = {
      steps: links * length,
      knots: links - 1,
      tensors: [first.tensors, last.tensors],
      residentBytesPerStep: perStep(first.residentBytes, last.residentBytes),
      deviceBytesPerStep: perStep(first.deviceBytes, last.deviceBytes),
      samples: taken,
    };
    const passed =
      first.tensors === last.tensors &&
      found.deviceBytesPerStep <= 0 &&
      (isSmall || found.residentBytesPerStep <= mostBytes);
    if (!passed) log(`memory: ${JSON.stringify({ ...found, samples: undefined })}`);
    yield { name: 'a chain', passed, found };
  },
};

async function sampleAt(step: number, engine: object): Promise<Sample> {
  globalThis.gc?.();
  const [tensors, residentBytes] = [tf.memory().numTensors, process.memoryUsage.rss()];
  const { freeMemory = 0 } = (await (engine as Measured).describe?.()) ?? {};
  return { step, tensors, residentBytes, deviceBytes: -freeMemory };
}
