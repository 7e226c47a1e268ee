import { adalora } from '@peft/adalora';
import { cola } from '@peft/cola';
import { type AnyStrategy, adamw, type Engine, eagerEngine, fineTune } from '@peft/core';
import { gradientsOf, gradientTrainings, isWithoutEffect, toyTransformers } from '@peft/engines';
import { lora } from '@peft/lora';
import * as tf from '@tensorflow/tfjs';
import { cosine, relativeDistance } from './distance.ts';
import type { Finding, Section, SectionCall } from './section.ts';

const steps = 20;
const lossTolerance = 1e-4;
const leastCosine = 0.999;
/** Of a bf16 curve: a loss keeps eight bits of what it is made from. */
const bf16LossTolerance = 2e-2;

const searching = { initRank: 4, targetRank: 2, warmupSteps: 2, finalSteps: 3 } as const;

const strategies: Readonly<Record<string, () => AnyStrategy>> = {
  LoRA: () => lora({ rank: 4 }) as AnyStrategy,
  'LoRA with dropout': () => lora({ rank: 4, dropout: 0.2 }) as AnyStrategy,
  DoRA: () => lora({ rank: 4, dora: true }) as AnyStrategy,
  AdaLoRA: () => adalora(searching) as AnyStrategy,
  'COLA of LoRA': () => cola(lora({ rank: 2 }) as AnyStrategy, { links: 2 }),
  'COLA of AdaLoRA': () => cola(adalora(searching) as AnyStrategy, { links: 2 }),
};

/** Gradients of every parameter, and 20 steps of every strategy, on every family of models, against float32 eager. */
export const checkCurves: Section = {
  name: 'curves',
  async *run({ engineOf, log }: SectionCall): AsyncIterable<Finding> {
    await tf.setBackend('cpu');
    const engines = { float32: engineOf('float32'), bf16: engineOf('bf16') };
    for (const [family, make] of Object.entries(toyTransformers)) {
      for (const [training, optionsOf] of Object.entries(gradientTrainings)) {
        const expected = await gradientsOf(make(), optionsOf(make()), eagerEngine());
        for (const precision of ['float32', 'bf16'] as const) {
          yield await attempt(`${family}: gradients, ${training}, ${precision}`, log, async () => {
            const found = await gradientsOf(make(), optionsOf(make()), engines[precision]);
            return precision === 'float32' ? nearOf(found, expected) : alikeOf(found, expected);
          });
        }
      }
      for (const [strategy, strategyOf] of Object.entries(strategies)) {
        const expected = await lossesOf(make, strategyOf, eagerEngine());
        for (const [precision, tolerance] of [
          ['float32', lossTolerance],
          ['bf16', bf16LossTolerance],
        ] as const) {
          yield await attempt(`${family}: ${steps} steps of ${strategy}, ${precision}`, log, async () => {
            const found = await lossesOf(make, strategyOf, engines[precision]);
            const worst = Math.max(...found.map((loss, i) => Math.abs(loss / (expected[i] as number) - 1)));
            return { passed: found.length === steps && worst <= tolerance, found: { worst, tolerance, losses: found } };
          });
        }
      }
    }
  },
};

type Outcome = Pick<Finding, 'passed' | 'found'>;

async function attempt(name: string, log: SectionCall['log'], run: () => Promise<Outcome>): Promise<Finding> {
  try {
    const { passed, found } = await run();
    if (!passed) log(`${name}: ${JSON.stringify(found)}`);
    return { name, passed, found };
  } catch (error) {
    log(`${name}: ${(error as Error).message}`);
    return { name, passed: false, found: { problem: (error as Error).message } };
  }
}

type Gradients = ReadonlyMap<string, Float32Array>;

/** Each leaf by itself, relative to its norm. */
function nearOf(found: Gradients, expected: Gradients): Outcome {
  const distances = [...expected]
    .filter(([path]) => !isWithoutEffect(path))
    .map(([path, leaf]) => [path, relativeDistance(found.get(path) ?? [], leaf)] as const);
  const [path, worst] = distances.reduce((most, each) => (each[1] > most[1] ? each : most));
  return { passed: worst <= lossTolerance, found: { worst, path, leaves: distances.length } };
}

/** All leaves as one vector, and the least alike of those that are no rounding noise. */
function alikeOf(found: Gradients, expected: Gradients): Outcome {
  const joined = (gradients: Gradients) => [...expected.keys()].flatMap((path) => [...(gradients.get(path) ?? [])]);
  const all = cosine(joined(found), joined(expected));
  const each = [...expected]
    .filter(([path]) => !isWithoutEffect(path))
    .map(([path, leaf]) => [path, cosine(found.get(path) ?? [], leaf)] as const);
  const [path, least] = each.reduce((worst, one) => (one[1] < worst[1] ? one : worst));
  return { passed: all >= leastCosine, found: { cosine: all, least, path } };
}

async function lossesOf(
  make: (typeof toyTransformers)[string],
  strategyOf: () => AnyStrategy,
  engine: Engine,
): Promise<readonly number[]> {
  const { model, loss, batch } = make();
  const losses: number[] = [];
  const run = fineTune(model, {
    strategy: strategyOf(),
    targets: 'all-linear',
    loss,
    data: { batchesPerEpoch: 1, batches: () => [batch] },
    steps,
    optimizer: adamw({ weightDecay: 0.01 }),
    schedule: 0.005,
    seed: 4,
    maxGradientNorm: 1,
    progress: false,
    onWarning: () => {},
    onEvent: (event) => {
      if (event.type === 'step') losses.push(event.loss);
    },
    engine,
  });
  (await run.result).dispose();
  model.weights.dispose();
  return losses;
}
