import {
  adamw,
  adaptedAt,
  batches,
  classification,
  evaluate,
  type FineTuneOptions,
  fineTune,
  type HostArray,
  type Loss,
  maskedLanguageModeling,
  regression,
  sgd,
  toTensor,
} from '@peft/core';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { givenFactors } from '../../test/givenFactors.ts';
import { fixture, golden } from '../../test/golden.ts';
import { onEachBackend } from '../../test/onEachBackend.ts';
import { relativeError } from '../../test/relativeError.ts';
import { loadPretrained } from '../loadPretrained.ts';

/** Python computed in float64; what remains is float32's rounding here. */
const tolerance = 1e-5;
/** AdamW divides by the root of squared gradients, which makes much of the rounding of the smallest. */
const trainedTolerance = 1e-4;

const cases: readonly (readonly [name: string, loss: Loss, targets: number])[] = [
  ['bert', classification(), 17],
  ['bert-uneven', regression(), 8],
  ['bert-words', classification(), 17],
  ['bert-words', maskedLanguageModeling(), 17],
  ['bert-encoder', regression(), 12],
];

type Golden = Awaited<ReturnType<typeof golden>>;
type Pair = Readonly<Record<'a' | 'b', tf.Tensor>>;

function columnsOf({ get, keys }: Golden): Record<string, HostArray> {
  const names = ['inputIds', 'attentionMask', 'tokenTypeIds', keys.includes('labels') ? 'labels' : 'targets'];
  return Object.fromEntries(names.map((name) => [name, get(name)]));
}

/** Trains Python's factors, and gives those it ends with by key. */
async function train(name: string, options: Pick<FineTuneOptions, 'loss' | 'steps' | 'optimizer' | 'schedule'>) {
  const model = await loadPretrained(fixture(name));
  const expected = await golden(name);
  const keys = expected.keys.filter((key) => key.startsWith('factor/')).map((key) => key.slice('factor/'.length));
  const targets = [...new Set(keys.map((key) => key.slice(0, -2)))];
  const losses: number[] = [];
  const run = fineTune(model, {
    ...options,
    strategy: givenFactors(expected),
    targets,
    data: batches(columnsOf(expected), { batchSize: 5, shuffle: false }),
    progress: false,
    onWarning: () => {},
    onEvent: (event) => event.type === 'step' && losses.push(event.loss),
  });
  const { adapter, dispose } = await run.result;
  const params = adapter.adapter.params as Readonly<Record<string, Pair>>;
  const factors = new Map(
    keys.map((key) => [key, params[key.slice(0, -2)]?.[key.at(-1) as 'a' | 'b'].dataSync() ?? []] as const),
  );
  dispose();
  model.weights.dispose();
  return { expected, losses, factors, targets };
}

onEachBackend(() => {
  test.each(cases)(
    '%s: outputs, with and without mask and token types, and loss are those of transformers',
    async (name, loss) => {
      const model = await loadPretrained(fixture(name));
      const expected = await golden(name);
      const columns = columnsOf(expected);
      const outputOf = (names: readonly string[]) =>
        tf.tidy(() => {
          const batch = Object.fromEntries(names.map((each) => [each, toTensor(expected.get(each))]));
          return model.apply(batch, adaptedAt({ weights: model.weights, modules: model.targets }));
        });
      for (const [key, names] of [
        ['output', ['inputIds', 'attentionMask', 'tokenTypeIds']],
        ['unmasked', ['inputIds']],
      ] as const) {
        const output = outputOf(names);
        expect(output.shape).toEqual(expected.get(key).shape);
        expect(relativeError(output.dataSync(), values(expected.get(key))), key).toBeLessThan(tolerance);
        output.dispose();
      }
      const evaluated = await evaluate(model, { data: batches(columns, { batchSize: 2, shuffle: false }), loss });
      expect(relativeError([evaluated.loss], values(expected.get('loss')))).toBeLessThan(tolerance);
      model.weights.dispose();
    },
  );

  test.each(cases)('%s: a step of LoRA moves every factor by the gradient of PEFT', async (name, loss, targetCount) => {
    // Far enough that the factors' own rounding is small beside the step.
    const rate = 64;
    const { expected, losses, factors, targets } = await train(name, {
      loss,
      steps: 1,
      optimizer: sgd(),
      schedule: rate,
    });
    expect(targets).toHaveLength(targetCount);
    expect(relativeError(losses, values(expected.get('losses')).slice(0, 1))).toBeLessThan(tolerance);
    const errors = [...factors].map(([key, after]) => {
      const before = values(expected.get(`factor/${key}`));
      const moved = Array.from(after, (value, index) => ((before[index] ?? 0) - value) / rate);
      return [key, relativeError(moved, values(expected.get(`gradient/${key}`)))] as const;
    });
    expect(errors.filter(([, error]) => !(error < tolerance))).toEqual([]);
  });

  test.each(cases)('%s: AdamW takes the factors where torch takes them, loss by loss', async (name, loss) => {
    const { expected, losses, factors } = await train(name, {
      loss,
      steps: 4,
      optimizer: adamw({ weightDecay: 0.01 }),
      schedule: 0.02,
    });
    expect(relativeError(losses, values(expected.get('losses')))).toBeLessThan(tolerance);
    const errors = [...factors].map(
      ([key, after]) => [key, relativeError(after, values(expected.get(`trained/${key}`)))] as const,
    );
    expect(errors.filter(([, error]) => !(error < trainedTolerance))).toEqual([]);
  });
});

function values({ data }: HostArray): Float32Array {
  return data as Float32Array;
}
